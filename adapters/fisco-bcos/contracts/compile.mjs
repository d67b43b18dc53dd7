// Compiles the contracts with npm's solc for FISCO BCOS and writes contracts/out/*.json, or compares with `--check`.
//
//   node contracts/compile.mjs FOLDER-WITH-node_modules [--check]
//
// Each contract comes out twice: as it is, and `.sm` for chains with SM3, where selectors and topics are SM3 of the signatures. Compilers
// for such chains are forks of solc; here the constants of solc's own output are replaced instead. That is sound under three conditions,
// all of which are checked below:
//   - the optimiser is off, so that no Keccak-256 of storage slots is folded into the code (the chain's opcode gives SM3 there);
//   - functions are dispatched by comparing for equality alone, one after the other (`DUP1 PUSH4 selector EQ`), never by order;
//   - each selector and topic stands in the code as often as it must, and nowhere else.
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [tools, mode] = process.argv.slice(2);
if (!tools) {
  console.error("usage: node compile.mjs FOLDER-WITH-node_modules [--check]");
  process.exit(2);
}
const solc = createRequire(resolve(tools, "package.json"))("solc");
const ethereum = join(here, "../../ethereum/contracts");
const folders = { PresetStore: ethereum, Probe: ethereum, TableStore: here, TableStore2: here, TableStore3: here };
// TableStore is the part that the other two have in common.
const names = ["PresetStore", "Probe", "TableStore2", "TableStore3"];

function compile(optimizer) {
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(
      Object.entries(folders).map(([name, folder]) => [`${name}.sol`, { content: readFileSync(join(folder, `${name}.sol`), "utf8") }]),
    ),
    settings: {
      // The EVM of 2.x has neither PUSH0 nor what came after Byzantium on all of its versions.
      evmVersion: "byzantium",
      optimizer,
      metadata: { bytecodeHash: "none", appendCBOR: false },
      outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.methodIdentifiers"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) {
    console.error(errors.map((error) => error.formattedMessage).join("\n"));
    process.exit(1);
  }
  return (name) => output.contracts[`${name}.sol`][name];
}

const sm3 = (text) => createHash("sm3").update(text).digest("hex");
const signature = ({ name, inputs }) => `${name}(${inputs.map((input) => input.type).join(",")})`;
const count = (code, part) => code.split(part).length - 1;

// The same contract for a chain with SM3.
function withSm3(name, contract, events) {
  let code = contract.evm.bytecode.object;
  if (/8063[0-9a-f]{8}11/.test(code)) throw new Error(`${name}: functions are dispatched by order`);
  for (const [text, selector] of Object.entries(contract.evm.methodIdentifiers)) {
    const dispatch = `8063${selector}14`;
    if (count(code, dispatch) !== 1) throw new Error(`${name}: ${text} is dispatched ${count(code, dispatch)} times`);
    code = code.replace(dispatch, `8063${sm3(text).slice(0, 8)}14`);
  }
  for (const text of events) {
    const pushed = `7f${keccak256(text)}`;
    if (count(code, pushed) < 1) throw new Error(`${name}: the topic of ${text} is not there`);
    code = code.replaceAll(pushed, `7f${sm3(text)}`);
  }
  return code;
}

// The events. solc says their topics in its assembly only; that they are found in the code shows that the hash is right.
const events = {
  PresetStore: ["Written(bytes32,string,bytes,bool)"],
  Probe: ["Added(address,uint256,uint256)"],
  TableStore2: ["Written(bytes32,string,bytes,bool)"],
  TableStore3: ["Written(bytes32,string,bytes,bool)"],
};
const { keccak256 } = createRequire(resolve(tools, "package.json"))("js-sha3");

const standard = compile({ enabled: true, runs: 200 });
const plain = compile({ enabled: false, runs: 1 });
let different = 0;
function put(file, abi, code) {
  const text = `${JSON.stringify({ compiler: solc.version(), abi, bytecode: `0x${code}` }, null, 1)}\n`;
  const path = join(here, "out", file);
  if (mode === "--check") {
    const same = readFileSync(path, "utf8") === text;
    console.log(`${file}: ${same ? "the same" : "DIFFERENT from what is checked in"}`);
    different += same ? 0 : 1;
  } else {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    console.log(`${file}: ${code.length / 2} bytes`);
  }
}
for (const name of names) {
  const { abi, evm } = standard(name);
  const declared = abi.filter((entry) => entry.type === "event").map(signature);
  if (declared.join() !== events[name].join()) throw new Error(`${name}: other events than are known here: ${declared}`);
  put(`${name}.json`, abi, evm.bytecode.object);
  put(`${name}.sm.json`, abi, withSm3(name, plain(name), events[name]));
}
process.exit(different > 0 ? 1 : 0);
