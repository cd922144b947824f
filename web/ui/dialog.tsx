/**
 * Dialogs: a small one in the middle, a sheet at the side for forms, and a confirmation before something is
 * destroyed.
 */
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useRef, useState } from 'react';
import { Dialog as AriaDialog } from 'react-aria-components/Dialog';
import { Heading } from 'react-aria-components/Heading';
import { Modal, ModalOverlay } from 'react-aria-components/Modal';
import { messageOf } from '../data/request.ts';
import { Button, IconButton } from './button.tsx';
import { DialogContext } from './in-dialog.ts';
import { Notice } from './notice.tsx';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** `sheet`: full height, at the right of the window. */
  readonly shape?: 'box' | 'wide' | 'sheet';
  /** Closes the dialog on a click outside. Not for forms, where typed text would be lost. */
  readonly dismissable?: boolean;
  readonly role?: 'dialog' | 'alertdialog';
}

/** Dialog that asks for confirmation before it closes over a changed form. */
export const Dialog = ({
  title,
  onClose,
  children,
  shape = 'box',
  dismissable = false,
  role = 'dialog',
}: DialogProps): ReactNode => {
  const isChanged = useRef(false);
  const [isAsking, setAsking] = useState(false);
  const close = () => (isChanged.current ? setAsking(true) : onClose());
  const setChanged = (now: boolean) => {
    isChanged.current = now;
  };
  return (
    <DialogContext value={{ close, setChanged }}>
      <ModalOverlay
        isOpen
        isDismissable={dismissable}
        onOpenChange={(isOpen) => !isOpen && close()}
        className={`overlay ${shape}`}
      >
        <Modal className={`modal ${shape}`}>
          <AriaDialog className="dialog" role={role}>
            <header className="dialog-head">
              <Heading slot="title">{title}</Heading>
              <IconButton icon="close" label="Close" onPress={close} />
            </header>
            {children}
          </AriaDialog>
        </Modal>
      </ModalOverlay>
      {isAsking && (
        <Confirm
          title="Discard your changes?"
          action="Discard"
          cancel="Keep editing"
          onConfirm={async () => onClose()}
          onClose={() => setAsking(false)}
        >
          They are not saved, and are lost when this closes.
        </Confirm>
      )}
    </DialogContext>
  );
};

interface ConfirmProps {
  readonly title: string;
  readonly children: ReactNode;
  /** Label of the button, such as "Delete runner". */
  readonly action: string;
  /** Label of the button that changes nothing. */
  readonly cancel?: string;
  readonly onConfirm: () => Promise<unknown>;
  readonly onClose: () => void;
  readonly isDangerous?: boolean;
}

/** Asks for confirmation, acts, and closes; shows the error if the action fails. */
export const Confirm = ({
  title,
  children,
  action,
  cancel = 'Cancel',
  onConfirm,
  onClose,
  isDangerous = true,
}: ConfirmProps): ReactNode => {
  const { mutate, error, isPending } = useMutation({ mutationFn: onConfirm, onSuccess: onClose });
  return (
    <Dialog title={title} onClose={onClose} role="alertdialog">
      <div className="dialog-body">
        <div>{children}</div>
        {error && <Notice kind="bad">{messageOf(error)}</Notice>}
      </div>
      <footer className="dialog-foot">
        <Button onPress={onClose} autoFocus>
          {cancel}
        </Button>
        <Button look={isDangerous ? 'danger' : 'primary'} onPress={() => mutate()} isPending={isPending}>
          {action}
        </Button>
      </footer>
    </Dialog>
  );
};
