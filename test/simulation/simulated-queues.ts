/**
 * SQS in memory: at-least-once delivery without order. A received message is hidden, and reappears unless
 * deleted.
 */
import { nameRefusedMs } from '../../lambdas/adapters/tasks/queue-names.ts';
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface ReceivedMessage {
  readonly body: string;
  readonly receipt: string;
  /** Number of receives, including this one. */
  readonly receives: number;
}

interface Message {
  readonly id: number;
  readonly body: string;
  readonly sentMs: number;
  visibleMs: number;
  receives: number;
}

interface Waiter {
  readonly max: number;
  readonly visibilityMs: number;
  readonly give: (messages: ReceivedMessage[]) => void;
}

interface Queue {
  readonly messages: Map<number, Message>;
  readonly waiters: Set<Waiter>;
}

/** Maximum wait of an empty poll and retention of a doorbell, as in AWS. */
const longPollMs = 20_000;
const retentionMs = 3_600_000;

export type SimulatedQueues = ReturnType<typeof createSimulatedQueues>;

export const createSimulatedQueues = (time: VirtualTime, chance: Chance, faults: Faults) => {
  const queues = new Map<string, Queue>();
  const removedMs = new Map<string, number>();
  let made = 0;

  const take = (queue: Queue, max: number, visibilityMs: number): ReceivedMessage[] => {
    const present = time.nowMs();
    const taken: ReceivedMessage[] = [];
    const visible = [...queue.messages.values()].filter(({ visibleMs }) => visibleMs <= present);
    while (taken.length < max && visible.length > 0) {
      const [message] = visible.splice(chance.between(0, visible.length - 1), 1);
      if (!message) break;
      if (present - message.sentMs > retentionMs) {
        queue.messages.delete(message.id);
        continue;
      }
      message.receives += 1;
      // A second receiver gets it although the first has it.
      if (!faults.hit('message duplicated')) message.visibleMs = present + visibilityMs;
      taken.push({ body: message.body, receipt: String(message.id), receives: message.receives });
    }
    return taken;
  };

  const serve = (queue: Queue) => {
    for (const waiter of queue.waiters) {
      const messages = take(queue, waiter.max, waiter.visibilityMs);
      if (messages.length === 0) return;
      queue.waiters.delete(waiter);
      waiter.give(messages);
    }
  };

  const makeVisible = (queue: Queue, message: Message, delayMs: number) => {
    message.visibleMs = time.nowMs() + delayMs;
    time.after(delayMs, () => serve(queue));
  };

  const find = (name: string, receipt: string) => {
    const queue = queues.get(name);
    const message = queue?.messages.get(Number(receipt));
    return queue && message && { queue, message };
  };

  return {
    /** Creates a queue; returns false while SQS refuses the name of a recently deleted one. */
    create: (name: string): boolean => {
      if (queues.has(name)) return true;
      if (time.nowMs() - (removedMs.get(name) ?? Number.NEGATIVE_INFINITY) < nameRefusedMs) return false;
      queues.set(name, { messages: new Map(), waiters: new Set() });
      return true;
    },
    remove: (name: string) => {
      if (queues.delete(name)) removedMs.set(name, time.nowMs());
    },
    /** Sends a message; returns false for a missing queue. */
    send: (name: string, body: string, delayMs = 0): boolean => {
      const queue = queues.get(name);
      if (!queue) return false;
      const message = { id: ++made, body, sentMs: time.nowMs(), visibleMs: 0, receives: 0 };
      queue.messages.set(message.id, message);
      const lateMs = faults.hit('message delayed') ? chance.between(1000, 30_000) : chance.between(2, 80);
      makeVisible(queue, message, delayMs + lateMs);
      return true;
    },
    /**
     * Waits for a first message as long as SQS does. Rejects when `signal` aborts, and a message in transit
     * stays hidden.
     */
    receive: (
      name: string,
      max: number,
      visibilityMs: number,
      signal: AbortSignal,
    ): Promise<ReceivedMessage[]> =>
      new Promise((resolve, reject) => {
        const queue = queues.get(name);
        const fail = () => reject(new Error('The poll was aborted, or there is no such queue'));
        if (!queue || signal.aborted) return void time.after(chance.between(5, 50), fail);
        const waiter: Waiter = {
          max,
          visibilityMs,
          give: (messages) => {
            const isLost = faults.hit('message lost on its way to a poll');
            time.after(chance.between(3, 60), () => (isLost || signal.aborted ? fail() : resolve(messages)));
          },
        };
        signal.addEventListener('abort', () => queue.waiters.delete(waiter) && fail(), { once: true });
        queue.waiters.add(waiter);
        time.after(longPollMs, () => queue.waiters.delete(waiter) && resolve([]));
        time.after(chance.between(3, 30), () => serve(queue));
        // A message may reappear while the poll is open.
        for (const { visibleMs } of queue.messages.values()) {
          if (visibleMs > time.nowMs()) time.after(visibleMs - time.nowMs() + 1, () => serve(queue));
        }
      }),
    delete: (name: string, receipt: string) => {
      queues.get(name)?.messages.delete(Number(receipt));
    },
    hide: (name: string, receipt: string, ms: number) => {
      const found = find(name, receipt);
      if (found) makeVisible(found.queue, found.message, ms);
    },
    /** Calls a function for each message. True deletes the message; otherwise it reappears later. */
    consume: (
      name: string,
      visibilityMs: number,
      maxReceives: number,
      handle: (message: ReceivedMessage) => Promise<boolean>,
    ) => {
      const queue: Queue = { messages: new Map(), waiters: new Set() };
      queues.set(name, queue);
      const listen = () => {
        queue.waiters.add({
          max: 1,
          visibilityMs,
          give: ([message]) => {
            listen();
            if (!message) return;
            if (message.receives > maxReceives) {
              queue.messages.delete(Number(message.receipt));
              return;
            }
            time.after(visibilityMs + 1, () => serve(queue));
            handle(message).then(
              (isDone) => isDone && queue.messages.delete(Number(message.receipt)),
              () => undefined,
            );
          },
        });
      };
      listen();
    },
    has: (name: string) => queues.has(name),
    /** Number of messages in a queue, including hidden ones. */
    size: (name: string) => queues.get(name)?.messages.size ?? 0,
  };
};
