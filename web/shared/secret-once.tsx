/** Secret that is shown only once: a token, a link. */
import type { ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Code } from '../ui/copy.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Notice } from '../ui/notice.tsx';

interface SecretOnceProps {
  readonly title: string;
  /** Name of the secret, such as "Token". */
  readonly label: string;
  readonly secret: string;
  /** Explains what to do with the secret. */
  readonly children: ReactNode;
  readonly onClose: () => void;
}

export const SecretOnce = ({ title, label, secret, children, onClose }: SecretOnceProps): ReactNode => (
  <Dialog title={title} onClose={onClose} shape="wide">
    <div className="dialog-body">
      <Notice kind="warn">{children}</Notice>
      <Code label={label} text={secret} />
    </div>
    <footer className="dialog-foot">
      <Button look="primary" onPress={onClose}>
        Done
      </Button>
    </footer>
  </Dialog>
);
