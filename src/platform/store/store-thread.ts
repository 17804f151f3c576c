import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../../base/assert.js';
import type { MessageStore } from '../../mailbox/message-store.js';
import { asQueryFault, openSqlite } from './sqlite-database.js';
import { SqlStore } from './sql-store.js';
import type { StoreCall, StoreFault, StoreMethod, StoreReply, StoreThreadData } from './store-channel.js';

/** libsql is synchronous: here it may wait for the disk, while calls and sockets go on in the other threads. */
const port = parentPort;
assert(port !== null, 'the store runs in a thread of its own');
const { path } = workerData as StoreThreadData;

function say(reply: StoreReply): void {
  port?.postMessage(reply);
}

function faultOf(error: unknown): StoreFault {
  const { code, detail } = asQueryFault(error);
  return { code, detail };
}

async function open(): Promise<MessageStore | undefined> {
  try {
    const store = new SqlStore(await openSqlite(path));
    say({ kind: 'opened', fault: undefined });
    return store;
  } catch (error) {
    say({ kind: 'opened', fault: faultOf(error) });
    return undefined;
  }
}

/** The store's methods, each by its name with its own arguments. */
type Methods = { readonly [M in StoreMethod]: (...args: Parameters<MessageStore[M]>) => Promise<unknown> };

async function perform<M extends StoreMethod>(methods: Methods, call: StoreCall<M>): Promise<void> {
  try {
    say({ kind: 'done', id: call.id, value: await methods[call.method](...call.args) });
  } catch (error) {
    say({ kind: 'failed', id: call.id, fault: faultOf(error) });
  }
  if (call.method === 'close') port?.close();
}

const store = await open();
if (store) {
  port.on('message', (call: StoreCall) => {
    void perform(store, call);
  });
} else {
  port.close();
}
