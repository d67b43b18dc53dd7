// The official client in a loop: node load.mjs CHANNEL. Each line of input, `MILLISECONDS SIDE-BY-SIDE`, is one run; its answer is how
// many transactions were committed a second. Environment as of client.mjs.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

import grpc from '@grpc/grpc-js';
import { connect, hash, signers } from '@hyperledger/fabric-gateway';

const [channel] = process.argv.slice(2);
const { PEER, PEER_AUTHORITY, MSP, MSP_FOLDER } = process.env;

function onlyFile(folder) {
    const files = fs.readdirSync(path.join(MSP_FOLDER, folder));
    return fs.readFileSync(path.join(MSP_FOLDER, folder, files[0]));
}

const gateway = connect({
    client: new grpc.Client(PEER, grpc.credentials.createSsl(fs.readFileSync(PEER_AUTHORITY))),
    hash: hash.sha256,
    identity: { mspId: MSP, credentials: onlyFile('signcerts') },
    signer: signers.newPrivateKeySigner(crypto.createPrivateKey(onlyFile('keystore'))),
});
const contract = gateway.getNetwork(channel).getContract('preset');

async function run(milliseconds, sideBySide) {
    const start = performance.now();
    const name = crypto.randomBytes(8).toString('hex');
    let begun = 0;
    let committed = 0;
    const worker = async () => {
        while (performance.now() - start < milliseconds) {
            await contract.submitTransaction('insert', `${name}-${begun++}`, 'value');
            committed += 1;
        }
    };
    await Promise.all(Array.from({ length: sideBySide }, worker));
    return committed / ((performance.now() - start) / 1000);
}

for await (const line of readline.createInterface({ input: process.stdin })) {
    const [milliseconds, sideBySide] = line.split(' ').map(Number);
    console.log(await run(milliseconds, sideBySide));
}
process.exit(0);
