// The preset contract: a store of values by key.
//
//   insert(key, value)   update(key, value)   delete(key)   get(key)   history(key)
//
// A key is UTF-8 of 1 to 255 bytes, a value any bytes. `history` answers a JSON array, oldest first, of {"txId", "value" (base64;
// absent for a deletion), "isDelete"}.

import { Refusal, bytes, chaincode, declare, text, unwrap, wrap } from './contract.mjs';

const MAX_KEY = 255;

function key(argument) {
    if (argument.length === 0 || argument.length > MAX_KEY) {
        throw new Refusal('invalid-argument', `a key has 1 to ${MAX_KEY} bytes, not ${argument.length}`);
    }
    return text(argument);
}

// Fabric keeps keys that begin with U+0000 for itself.
const place = (name) => `entry/${name}`;

const current = async (stub, name) => unwrap(await stub.getState(place(name)));

async function existing(stub, name) {
    const value = await current(stub, name);
    if (value === undefined) throw new Refusal('not-found', 'the key has no value');
    return value;
}

async function insert(stub, name, value) {
    if ((await current(stub, name)) !== undefined) throw new Refusal('already-exists', 'the key has a value');
    await stub.putState(place(name), wrap(value));
}

async function update(stub, name, value) {
    await existing(stub, name);
    await stub.putState(place(name), wrap(value));
}

async function remove(stub, name) {
    await existing(stub, name);
    await stub.deleteState(place(name));
}

async function history(stub, name) {
    const versions = [];
    const iterator = await stub.getHistoryForKey(place(name));
    try {
        for (;;) {
            const { value: version, done } = await iterator.next();
            if (version) {
                const { txId, isDelete, value } = version;
                versions.push(isDelete ? { txId, isDelete } : { txId, value: unwrap(value).toString('base64'), isDelete });
            }
            if (done) break;
        }
    } finally {
        await iterator.close();
    }
    if (versions.length === 0) throw new Refusal('not-found', 'the key was never written');
    // A peer gives the newest first.
    return JSON.stringify(versions.reverse());
}

export default chaincode({
    insert: declare([key, bytes], insert),
    update: declare([key, bytes], update),
    delete: declare([key], remove),
    get: declare([key], existing),
    history: declare([key], history),
});
