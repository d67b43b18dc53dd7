// One chaincode as a service that peers connect to:
//
//   CHAINCODE_ID=LABEL:DIGEST CHAINCODE_SERVER_ADDRESS=127.0.0.1:PORT node server.mjs preset|probe
//
// The id is the one that `peer lifecycle chaincode install` prints; the address is the one in the package.

import shim from 'fabric-shim';

const contracts = { preset: './preset.mjs', probe: './probe.mjs' };

const [contract] = process.argv.slice(2);
const { CHAINCODE_ID: ccid, CHAINCODE_SERVER_ADDRESS: address } = process.env;
if (!Object.hasOwn(contracts, contract ?? '') || !ccid || !address) {
    console.error('Usage: CHAINCODE_ID=… CHAINCODE_SERVER_ADDRESS=HOST:PORT node server.mjs preset|probe');
    process.exit(2);
}
const { default: chaincode } = await import(contracts[contract]);
await shim.server(chaincode, { ccid, address }).start();
console.log(`${contract} listens on ${address}`);
