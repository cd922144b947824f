/** Actions that need no form and no confirmation. */
import { useMutation } from '@tanstack/react-query';
import { messageOf } from '../data/request.ts';
import { say } from './toast.tsx';

/**
 * Returns a function that acts at once, and says why if that fails. `refresh` reads again what the action
 * changes; after a failure too, since the page may be out of date.
 */
export const useAct = <V>(act: (value: V) => Promise<unknown>, refresh: () => unknown) =>
  useMutation({ mutationFn: act, onSettled: refresh, onError: (error) => say(messageOf(error), 'bad') })
    .mutate;
