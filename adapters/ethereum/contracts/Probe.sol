// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// The contract that the conformance suite calls; what each function means is written in conformance/README.md.
contract Probe {
    mapping(address account => uint256) public count;
    string public text;

    event Added(address indexed account, uint256 number, uint256 total);

    function add(uint256 number) external {
        uint256 total = count[msg.sender] + number;
        count[msg.sender] = total;
        emit Added(msg.sender, number, total);
    }

    function addTwice(uint256 number) external {
        for (uint256 i = 0; i < 2; i++) {
            uint256 total = count[msg.sender] + number;
            count[msg.sender] = total;
            emit Added(msg.sender, number, total);
        }
    }

    function put(string calldata value) external {
        text = value;
    }

    function fail(string calldata reason) external pure {
        revert(reason);
    }

    function echoText(string calldata value) external pure returns (string memory) {
        return value;
    }

    function echoBytes(bytes calldata value) external pure returns (bytes memory) {
        return value;
    }

    function echoInteger(int256 value) external pure returns (int256) {
        return value;
    }

    function echoBoolean(bool value) external pure returns (bool) {
        return value;
    }

    function echoJson(uint256[][] calldata value) external pure returns (uint256[][] memory) {
        return value;
    }
}
