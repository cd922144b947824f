/** Text with a button that copies it. */
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';

interface CopyButtonProps {
  readonly text: string;
  readonly label?: string;
  /** Called once the clipboard has the text. */
  readonly onCopied?: () => void;
}

/** Copies a text, and confirms it for a moment. */
export const CopyButton = ({ text, label = 'Copy', onCopied }: CopyButtonProps): ReactNode => {
  const [said, say] = useState<string>();
  const copy = async () => {
    // Over plain HTTP to another machine there is no clipboard.
    const done = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    if (done) onCopied?.();
    say(done ? 'Copied' : 'Select and copy it');
    setTimeout(() => say(undefined), 2000);
  };
  return (
    <Button small icon={said === 'Copied' ? 'check' : 'copy'} onPress={copy}>
      <span aria-live="polite">{said ?? label}</span>
    </Button>
  );
};

interface CodeProps {
  /** Name of the text, shown as its heading and to screen readers. */
  readonly label: string;
  readonly text: string;
  readonly onCopied?: () => void;
}

/** Block of code, such as a command to paste. */
export const Code = ({ label, text, onCopied }: CodeProps): ReactNode => (
  <figure className="code">
    <figcaption>
      <span>{label}</span>
      <CopyButton text={text} onCopied={onCopied} />
    </figcaption>
    {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, so it has to be reached by keyboard */}
    <section aria-label={label} tabIndex={0}>
      <pre>{text}</pre>
    </section>
  </figure>
);
