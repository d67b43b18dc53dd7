// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "./TableStore.sol";

/// The store on a table of FISCO BCOS 3.x (`bcos-executor/src/precompiled/TableManagerPrecompiled.cpp`, `KVTablePrecompiled.cpp`).
contract TableStore3 is TableStore {
    address private constant MANAGER = address(0x1002);
    string private constant CREATE = "createKVTable(string,string,string)";
    string private constant SET = "set(string,string)";

    address private table;

    constructor(string memory tableName) {
        expect(CREATE, tell(MANAGER, CREATE, abi.encode(tableName, KEY, VALUE), 1), 0);
        table = abi.decode(ask(MANAGER, "openTable(string)", abi.encode(tableName), 1), (address));
    }

    function put(string calldata key, bytes memory value) internal override {
        expect(SET, tell(table, SET, abi.encode(key, value), 1), 1);
    }

    function take(string calldata key) internal view override returns (bytes memory value) {
        (, value) = abi.decode(ask(table, "get(string)", abi.encode(key), 3), (bool, bytes));
    }
}
