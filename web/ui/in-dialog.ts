/** Connection of a form to its dialog: closing it, and warning before typed text is lost. */
import { createContext, useContext, useEffect } from 'react';

export interface InDialog {
  /** Closes the dialog. Asks first when typed text would be lost. */
  readonly close: () => void;
  readonly setChanged: (isChanged: boolean) => void;
}

export const DialogContext = createContext<InDialog | undefined>(undefined);

/**
 * Reports to the surrounding dialog, if any, whether the form changed. Returns the function that closes the
 * dialog.
 */
export const useDialogAround = (isChanged: boolean): InDialog['close'] | undefined => {
  const dialog = useContext(DialogContext);
  useEffect(() => {
    dialog?.setChanged(isChanged);
    return () => dialog?.setChanged(false);
  }, [dialog, isChanged]);
  return dialog?.close;
};
