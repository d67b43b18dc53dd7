// One call by the official client: node client.mjs submit|evaluate CHANNEL CHAINCODE FUNCTION [ARGUMENT…]
// Environment: PEER (host:port), PEER_AUTHORITY (file), MSP (id), MSP_FOLDER (with signcerts and keystore).

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

import grpc from '@grpc/grpc-js';
import { connect, hash, signers } from '@hyperledger/fabric-gateway';

const [kind, channel, chaincode, name, ...args] = process.argv.slice(2);
const { PEER, PEER_AUTHORITY, MSP, MSP_FOLDER } = process.env;

function onlyFile(folder) {
    const files = fs.readdirSync(path.join(MSP_FOLDER, folder));
    return fs.readFileSync(path.join(MSP_FOLDER, folder, files[0]));
}

const client = new grpc.Client(PEER, grpc.credentials.createSsl(fs.readFileSync(PEER_AUTHORITY)));
const gateway = connect({
    client,
    hash: hash.sha256,
    identity: { mspId: MSP, credentials: onlyFile('signcerts') },
    signer: signers.newPrivateKeySigner(crypto.createPrivateKey(onlyFile('keystore'))),
});
try {
    const contract = gateway.getNetwork(channel).getContract(chaincode);
    const answer =
        kind === 'submit'
            ? await contract.submitTransaction(name, ...args)
            : await contract.evaluateTransaction(name, ...args);
    process.stdout.write(answer);
} catch (error) {
    const details = (error.details ?? []).map(({ mspId, message }) => `${mspId}: ${message}`);
    console.error([error.message, ...details].join('\n'));
    process.exitCode = 1;
} finally {
    gateway.close();
    client.close();
}
