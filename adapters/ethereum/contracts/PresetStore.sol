// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// A key-value store with history, for applications that have no contract of their own.
///
/// The present value of a key is in storage. Its history is in events: storage keeps only the numbers of the blocks
/// that have them, since a second copy of every value would double the cost of writing. Anybody may write: whoever
/// wants a store of his own deploys one.
contract PresetStore {
    /// There is a value under the key.
    error AlreadyExists(string key);
    /// There is no value under the key.
    error NotFound(string key);

    /// A key got a value, or lost it.
    event Written(bytes32 indexed keyHash, string key, bytes value, bool deleted);

    struct Entry {
        bool exists;
        bytes value;
        /// Ascending, each block once.
        uint64[] blocks;
    }

    mapping(bytes32 keyHash => Entry) private entries;

    function insert(string calldata key, bytes calldata value) external {
        Entry storage entry = entries[keccak256(bytes(key))];
        if (entry.exists) revert AlreadyExists(key);
        entry.exists = true;
        write(entry, key, value);
    }

    function update(string calldata key, bytes calldata value) external {
        write(existing(key), key, value);
    }

    function remove(string calldata key) external {
        Entry storage entry = existing(key);
        entry.exists = false;
        delete entry.value;
        note(entry);
        emit Written(keccak256(bytes(key)), key, "", true);
    }

    function get(string calldata key) external view returns (bytes memory) {
        return existing(key).value;
    }

    /// Where the key's events are: at this contract, in these blocks.
    function history(string calldata key) external view returns (address store, uint64[] memory blocks) {
        return (address(this), entries[keccak256(bytes(key))].blocks);
    }

    function existing(string calldata key) private view returns (Entry storage entry) {
        entry = entries[keccak256(bytes(key))];
        if (!entry.exists) revert NotFound(key);
    }

    function write(Entry storage entry, string calldata key, bytes calldata value) private {
        entry.value = value;
        note(entry);
        emit Written(keccak256(bytes(key)), key, value, false);
    }

    function note(Entry storage entry) private {
        uint256 count = entry.blocks.length;
        if (count == 0 || entry.blocks[count - 1] != block.number) entry.blocks.push(uint64(block.number));
    }
}
