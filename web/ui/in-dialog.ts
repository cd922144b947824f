/** What a form in a dialog needs of that: to be closed, and to know whether something typed would be lost. */
import { createContext, useContext, useEffect } from 'react';

export interface InDialog {
  /** Closes it, or asks first where something typed would be lost. */
  readonly close: () => void;
  readonly setChanged: (isChanged: boolean) => void;
}

export const DialogContext = createContext<InDialog | undefined>(undefined);

/** Tells the dialog around, if there is one, whether something was typed; gives what closes it. */
export const useDialogAround = (isChanged: boolean): InDialog['close'] | undefined => {
  const dialog = useContext(DialogContext);
  useEffect(() => {
    dialog?.setChanged(isChanged);
    return () => dialog?.setChanged(false);
  }, [dialog, isChanged]);
  return dialog?.close;
};
