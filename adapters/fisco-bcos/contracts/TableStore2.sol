// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

import "./TableStore.sol";

/// The store on a table of FISCO BCOS 2.x (`libprecompiled/KVTableFactoryPrecompiled.cpp`, `KVTablePrecompiled.cpp`). What opens a
/// table gives it an address for the one block only, so that it is opened each time.
contract TableStore2 is TableStore {
    address private constant FACTORY = address(0x1010);
    string private constant CREATE = "createTable(string,string,string)";
    string private constant SET = "set(string,address)";

    string private name;

    constructor(string memory tableName) {
        name = tableName;
        expect(CREATE, tell(FACTORY, CREATE, abi.encode(tableName, KEY, VALUE), 1), 0);
    }

    function put(string calldata key, bytes memory value) internal override {
        address table = open();
        address row = abi.decode(ask(table, "newEntry()", "", 1), (address));
        tell(row, "set(string,string)", abi.encode(VALUE, value), 0);
        // How many rows were written: more than one where somebody added some by CRUD. The first one counts.
        expect(SET, tell(table, SET, abi.encode(key, row), 1), 1);
    }

    function take(string calldata key) internal view override returns (bytes memory) {
        (bool there, address row) = abi.decode(ask(open(), "get(string)", abi.encode(key), 2), (bool, address));
        if (!there) return "";
        return abi.decode(ask(row, "getString(string)", abi.encode(VALUE), 2), (bytes));
    }

    function open() private view returns (address) {
        return abi.decode(ask(FACTORY, "openTable(string)", abi.encode(name), 1), (address));
    }
}
