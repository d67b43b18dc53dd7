// A client of 3.x that shares nothing with this project: transactions from the documented layout, hashes and signatures
// by viem and sm-crypto. Uses a FISCO-like 3.x node and prints what it found as one JSON object.
//
//   node fisco3.mjs URL CHAIN GROUP standard|sm
import { createRequire } from "node:module";
import { concat, hexToBytes, keccak256, numberToBytes, recoverPublicKey, stringToBytes, toHex } from "viem";
import { sign as signSecp256k1, privateKeyToAccount } from "viem/accounts";

const { sm2, sm3 } = createRequire(import.meta.url)("sm-crypto");
const [url, chainID, groupID, suite] = process.argv.slice(2);
const sm = suite === "sm";
const key = "b89d42f12290070f235fb8fb61dcf96e3b11516c5d4f6333f26e49bb955f8b62";
// Logs the first word of its input with the topic 42, and returns it.
const code = "0x6012600c60003960126000f3600035600052602a60206000a160206000f3";

const bare = (hex) => hex.replace(/^0x/, "");
const hash = (bytes) => (sm ? `0x${sm3(Array.from(bytes))}` : keccak256(bytes));
const publicKey = sm ? sm2.getPublicKeyFromPrivateKey(key).slice(2) : bare(privateKeyToAccount(`0x${key}`).publicKey).slice(2);
const address = `0x${hash(hexToBytes(`0x${publicKey}`)).slice(-40)}`;

async function sign(digest) {
  if (sm) {
    return sm2.doSignature(Array.from(hexToBytes(digest)), key, { hash: true, publicKey: `04${publicKey}` }) + publicKey;
  }
  const { r, s, yParity } = await signSecp256k1({ hash: digest, privateKey: `0x${key}` });
  return bare(r).padStart(64, "0") + bare(s).padStart(64, "0") + (yParity ? "01" : "00");
}

// Whether the node id (x and y) made this signature of the hash.
async function signed(digest, signature, id) {
  const bytes = bare(signature);
  if (sm) {
    const good = sm2.doVerifySignature(Array.from(hexToBytes(digest)), bytes.slice(0, 128), `04${id}`, { hash: true });
    return good && bytes.slice(128) === id;
  }
  const v = (27 + parseInt(bytes.slice(128), 16)).toString(16);
  return (await recoverPublicKey({ hash: digest, signature: `0x${bytes.slice(0, 128)}${v}` })).slice(4) === id;
}

const int32 = (n) => numberToBytes(n, { size: 4, signed: true });
const int64 = (n) => numberToBytes(n, { size: 8, signed: true });

// Tars: a byte of tag and type, then the value.
const head = (tag, type) => Uint8Array.of((tag << 4) | type);
const integer = (tag, n) => (n === 0 ? head(tag, 12) : concat([head(tag, 3), int64(n)]));
const text = (tag, s) => {
  const bytes = stringToBytes(s);
  return concat([head(tag, 7), numberToBytes(bytes.length, { size: 4 }), bytes]);
};
const list = (tag, bytes) => concat([head(tag, 13), head(0, 0), integer(0, bytes.length), bytes]);

let counter = 0;
async function transaction({ to = "", input, abi = "", blockLimit, version = 0 }) {
  const nonce = `${Date.now()}${counter++}`;
  const bytes = hexToBytes(input);
  const data = concat([
    int32(version), stringToBytes(chainID), stringToBytes(groupID), int64(blockLimit), stringToBytes(nonce),
    stringToBytes(to), bytes, stringToBytes(abi),
    ...(version >= 1 ? [stringToBytes("0x0"), stringToBytes("0x0"), int64(0), new Uint8Array(), new Uint8Array()] : []),
  ]);
  const digest = hash(data);
  const fields = [
    integer(1, version), text(2, chainID), text(3, groupID), integer(4, blockLimit), text(5, nonce), text(6, to),
    list(7, bytes), text(8, abi),
    ...(version >= 1 ? [text(9, "0x0"), text(10, "0x0"), integer(11, 0), text(12, ""), text(13, "")] : []),
  ];
  const signature = hexToBytes(`0x${await sign(digest)}`);
  const raw = concat([
    head(1, 10), ...fields, head(0, 11), list(2, hexToBytes(digest)), list(3, signature), integer(4, 1), integer(5, 0), text(8, ""),
  ]);
  return { digest, raw: toHex(raw) };
}

let id = 0;
async function ask(method, params) {
  const response = await fetch(url, { method: "POST", body: JSON.stringify({ jsonrpc: "2.0", id: ++id, method, params }) });
  const answer = await response.json();
  if (answer.error) throw new Error(`${method}: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

function headerHash(block) {
  const bytes = [int32(block.version)];
  for (const parent of block.parentInfo) bytes.push(int64(parent.blockNumber), hexToBytes(parent.blockHash));
  bytes.push(hexToBytes(block.txsRoot), hexToBytes(block.receiptsRoot), hexToBytes(block.stateRoot), int64(block.number));
  bytes.push(stringToBytes(block.gasUsed), int64(block.timestamp), int64(block.sealer));
  for (const sealer of block.sealerList) bytes.push(hexToBytes(sealer));
  bytes.push(hexToBytes(block.extraData));
  for (const weight of block.consensusWeights) bytes.push(int64(weight));
  return hash(concat(bytes));
}

function receiptHash(receipt) {
  const bytes = [int32(receipt.version), stringToBytes(receipt.gasUsed), stringToBytes(bare(receipt.contractAddress))];
  bytes.push(int32(receipt.status), hexToBytes(receipt.output));
  for (const log of receipt.logEntries) {
    bytes.push(stringToBytes(log.address), ...log.topics.map((topic) => hexToBytes(topic)), hexToBytes(log.data));
  }
  bytes.push(int64(receipt.blockNumber));
  return hash(concat(bytes));
}

const told = { address };
const before = await ask("getBlockNumber", [groupID, ""]);
const creation = await transaction({ input: code, abi: "[]", blockLimit: before + 500 });
const created = await ask("sendTransaction", [groupID, "", creation.raw, true]);
told.created = created;
told.createdHash = creation.digest;
const word = `0x${"09".repeat(32)}`;
const call = await transaction({ to: created.contractAddress, input: word, blockLimit: before + 500, version: 1 });
const called = await ask("sendTransaction", [groupID, "", call.raw, true]);
told.called = called;
told.calledHash = call.digest;
told.receiptHashes = [receiptHash(created), receiptHash(called)];
told.read = await ask("call", [groupID, "", created.contractAddress, word]);
told.abi = await ask("getABI", [groupID, "", created.contractAddress]);
const block = await ask("getBlockByNumber", [groupID, "", called.blockNumber, false, false]);
told.blockHash = block.hash;
told.blockHashComputed = headerHash(block);
told.signatures = block.signatureList.length;
told.signaturesGood = (
  await Promise.all(block.signatureList.map((one) => signed(block.hash, one.signature, bare(block.sealerList[one.sealerIndex]))))
).every(Boolean);
told.fetched = await ask("getTransactionReceipt", [groupID, "", call.digest, false]);
told.transaction = await ask("getTransaction", [groupID, "", call.digest, true]);
told.info = await ask("getGroupInfo", [groupID]);
console.log(JSON.stringify(told));
