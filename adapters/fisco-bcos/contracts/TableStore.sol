// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// The preset store (`PresetStore.sol` of the Ethereum adapter has the same interface) with its values in a key-value table of the
/// node's, where consoles, SDKs and other contracts find them under the same keys.
///
/// A table alone has no insert that fails, no removal and no history, so that these are kept here. Whoever may write tables in the group can
/// write this one, too: the digest of each value is kept, and `get` gives no value that did not go through this contract.
///
/// Selectors of the node's contracts are made with the chain's hash, so that they are computed where they are used.
abstract contract TableStore {
    /// There is a value under the key.
    error AlreadyExists(string key);
    /// There is no value under the key.
    error NotFound(string key);
    /// Somebody wrote another value into the table. What updates or removes the key repairs it.
    error ChangedElsewhere(string key);
    /// The node's contract refused: its code, 0 where it gave none.
    error TableRefused(string call, int256 code);

    /// A key got a value, or lost it.
    event Written(bytes32 indexed keyHash, string key, bytes value, bool deleted);

    struct Entry {
        bool exists;
        bytes32 digest;
        /// Ascending, each block once.
        uint64[] blocks;
    }

    /// The names of the table's fields.
    string internal constant KEY = "id";
    string internal constant VALUE = "value";

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

    /// Tables forget no key: an empty value stays there.
    function remove(string calldata key) external {
        Entry storage entry = existing(key);
        entry.exists = false;
        entry.digest = 0;
        put(key, "");
        note(entry);
        emit Written(keccak256(bytes(key)), key, "", true);
    }

    function get(string calldata key) external view returns (bytes memory value) {
        bytes32 digest = existing(key).digest;
        value = take(key);
        if (keccak256(value) != digest) revert ChangedElsewhere(key);
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
        entry.digest = keccak256(value);
        put(key, value);
        note(entry);
        emit Written(keccak256(bytes(key)), key, value, false);
    }

    function note(Entry storage entry) private {
        uint256 count = entry.blocks.length;
        if (count == 0 || entry.blocks[count - 1] != block.number) entry.blocks.push(uint64(block.number));
    }

    /// Puts a value into the table.
    function put(string calldata key, bytes memory value) internal virtual;

    /// The value in the table; empty without one.
    function take(string calldata key) internal view virtual returns (bytes memory);

    /// Calls one of the node's contracts, which must answer with this many words at least.
    function tell(address contract_, string memory call, bytes memory arguments, uint256 words)
        internal
        returns (bytes memory)
    {
        (bool good, bytes memory answer) = contract_.call(abi.encodePacked(bytes4(keccak256(bytes(call))), arguments));
        return answered(good, answer, call, words);
    }

    /// The same where nothing is written.
    function ask(address contract_, string memory call, bytes memory arguments, uint256 words)
        internal
        view
        returns (bytes memory)
    {
        (bool good, bytes memory answer) =
            contract_.staticcall(abi.encodePacked(bytes4(keccak256(bytes(call))), arguments));
        return answered(good, answer, call, words);
    }

    /// Refuses a code below this one: those of errors are negative.
    function expect(string memory call, bytes memory answer, int256 least) internal pure {
        int256 code = abi.decode(answer, (int256));
        if (code < least) revert TableRefused(call, code);
    }

    function answered(bool good, bytes memory answer, string memory call, uint256 words)
        private
        pure
        returns (bytes memory)
    {
        if (!good || answer.length < words * 32) revert TableRefused(call, 0);
        return answer;
    }
}
