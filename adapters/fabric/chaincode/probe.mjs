// The contract that the conformance suite calls; conformance/README.md says what its functions mean.
//
// An account is the MSP's id, a slash, and the hexadecimal SHA-256 of the certificate's DER. Who calls `claim` first has made the
// contract, as far as `owned` is concerned.

import { createHash } from 'node:crypto';

import { Refusal, boolean, bytes, chaincode, declare, integer, json, text, unwrap, wrap } from './contract.mjs';

/** The private data collection that keeps what `private` is given. */
const COLLECTION = 'secrets';
/** The largest integer that `add` takes: that of 64 bits without sign. */
const LARGEST = (1n << 64n) - 1n;
/** The transient argument of `private`. */
const SECRET = 'secret';
const EVENT = 'Added';

const counter = (account) => `count/${account}`;
const secret = (name) => `secret/${name}`;

function caller(stub) {
    const { mspid, idBytes } = stub.getCreator();
    const pem = Buffer.from(idBytes).toString('latin1');
    const base64 = pem.replace(/-----[A-Z ]+-----/g, '').replace(/\s+/g, '');
    return `${mspid}/${createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex')}`;
}

function amount(argument) {
    const number = integer(argument);
    if (number < 0n || number > LARGEST) throw new Refusal('invalid-argument', `add takes 0 to ${LARGEST}`);
    return number;
}

const total = async (stub, account) => BigInt(unwrap(await stub.getState(counter(account)))?.toString() ?? '0');

async function addTimes(stub, number, times) {
    const account = caller(stub);
    const sum = (await total(stub, account)) + number * times;
    await stub.putState(counter(account), wrap(Buffer.from(sum.toString())));
    // Fabric keeps one event of a transaction, the last.
    stub.setEvent(EVENT, Buffer.from(number.toString()));
}

async function owned(stub) {
    const owner = unwrap(await stub.getState('owner'))?.toString();
    if (owner !== caller(stub)) throw new Refusal('permission-denied', 'only who made the contract may do this');
    await stub.putState('owned', wrap(Buffer.from('done')));
}

async function claim(stub) {
    if (unwrap(await stub.getState('owner')) !== undefined) {
        throw new Refusal('already-exists', 'the contract has an owner');
    }
    await stub.putState('owner', wrap(Buffer.from(caller(stub))));
}

async function keep(stub, name) {
    const value = stub.getTransient().get(SECRET);
    if (value === undefined) throw new Refusal('invalid-argument', `the private argument ${SECRET} is missing`);
    await stub.putPrivateData(COLLECTION, secret(name), wrap(value));
}

async function reveal(stub, name) {
    const value = unwrap(await stub.getPrivateData(COLLECTION, secret(name)));
    if (value === undefined) throw new Refusal('not-found', 'nothing is kept under this text');
    return value;
}

export default chaincode({
    add: declare([amount], (stub, number) => addTimes(stub, number, 1n)),
    addTwice: declare([amount], (stub, number) => addTimes(stub, number, 2n)),
    count: declare([text], async (stub, account) => (await total(stub, account)).toString()),
    put: declare([text], (stub, value) => stub.putState('text', wrap(Buffer.from(value)))),
    text: declare([], async (stub) => unwrap(await stub.getState('text'))),
    fail: declare([text], (_, reason) => {
        throw new Error(reason);
    }),
    echoText: declare([text], (_, value) => value),
    echoBytes: declare([bytes], (_, value) => value),
    echoInteger: declare([integer], (_, value) => value.toString()),
    echoBoolean: declare([boolean], (_, value) => value.toString()),
    echoJson: declare([json], (_, value) => value),
    claim: declare([], claim),
    owned: declare([], owned),
    private: declare([text], keep),
    reveal: declare([text], reveal),
});
