// Uses a FISCO-like 2.x node through the official Go SDK, over HTTP, and prints what it got as one JSON object.
//
//	go-sdk-client URL CHAIN GROUP standard|sm PRIVATE_KEY_HEX
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"strings"

	"github.com/FISCO-BCOS/go-sdk/abi"
	"github.com/FISCO-BCOS/go-sdk/abi/bind"
	"github.com/FISCO-BCOS/go-sdk/client"
	"github.com/FISCO-BCOS/go-sdk/conf"
	"github.com/FISCO-BCOS/go-sdk/core/types"
	"github.com/FISCO-BCOS/go-sdk/examples"
	"github.com/FISCO-BCOS/go-sdk/precompiled/cns"
	"github.com/FISCO-BCOS/go-sdk/precompiled/config"
	"github.com/FISCO-BCOS/go-sdk/precompiled/crud"
	"github.com/ethereum/go-ethereum/common"
)

// Logs the first word of its input with the topic 42, and returns it.
const code = "6012600c60003960126000f3600035600052602a60206000a160206000f3"

const contractABI = `[{"inputs":[{"name":"n","type":"uint256"}],"name":"echo","outputs":[{"name":"","type":"uint256"}],"type":"function","constant":false,"payable":false}]`

// The factory of key-value tables (0x1010).
const factoryABI = `[{"inputs":[{"name":"tableName","type":"string"},{"name":"keyField","type":"string"},{"name":"valueFields","type":"string"}],"name":"createTable","outputs":[{"name":"","type":"int256"}],"type":"function","constant":false,"payable":false}]`

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: go-sdk-client URL CHAIN GROUP standard|sm PRIVATE_KEY_HEX")
		os.Exit(2)
	}
	chain, err := strconv.ParseInt(os.Args[2], 10, 64)
	must(err, "chain")
	group, err := strconv.Atoi(os.Args[3])
	must(err, "group")
	key, err := hex.DecodeString(os.Args[5])
	must(err, "key")
	sdk, err := client.Dial(&conf.Config{
		IsHTTP: true, NodeURL: os.Args[1], ChainID: chain, GroupID: group,
		IsSMCrypto: os.Args[4] == "sm", PrivateKey: key,
	})
	must(err, "dial")
	ctx := context.Background()
	told := map[string]interface{}{}

	told["before"], err = sdk.GetBlockNumber(ctx)
	must(err, "block number")

	parsed, err := abi.JSON(strings.NewReader(contractABI))
	must(err, "abi")
	bytecode, err := hex.DecodeString(code)
	must(err, "code")
	transaction, receipt, contract, err := bind.DeployContractGetReceipt(sdk.GetTransactOpts(), parsed, bytecode, sdk)
	must(err, "deploy")
	told["deployHash"] = transaction.Hash().Hex()
	told["deployReceipt"] = receipt
	deployed := receipt.ContractAddress
	onChain, err := sdk.GetCode(ctx, deployed)
	must(err, "code")
	told["code"] = string(onChain)

	contract = bind.NewBoundContract(deployed, parsed, sdk, sdk, sdk)
	_, receipt, err = contract.Transact(sdk.GetTransactOpts(), "echo", big.NewInt(7))
	must(err, "transact")
	told["callReceipt"] = receipt
	answer := new(*big.Int)
	must(contract.Call(sdk.GetCallOpts(), answer, "echo", big.NewInt(9)), "call")
	told["called"] = fmt.Sprintf("%064x", *answer)

	number, err := sdk.GetBlockNumber(ctx)
	must(err, "block number")
	block, err := sdk.GetBlockByNumber(ctx, number, true)
	must(err, "block")
	told["block"] = block
	hash, err := sdk.GetBlockHashByNumber(ctx, number)
	must(err, "block hash")
	told["blockHash"] = hash.Hex()
	byHash, err := sdk.GetBlockByHash(ctx, *hash, false)
	must(err, "block by hash")
	told["sameBlock"] = byHash.Hash == block.Hash
	detail, err := sdk.GetTransactionByHash(ctx, common.HexToHash(receipt.TransactionHash))
	must(err, "transaction")
	told["transaction"] = detail
	total, err := sdk.GetTotalTransactionCount(ctx)
	must(err, "total")
	told["total"] = total
	sync, err := sdk.GetSyncStatus(ctx)
	must(err, "sync status")
	told["sync"] = sync
	for name, get := range map[string]func(context.Context) ([]byte, error){
		"sealers": sdk.GetSealerList, "observers": sdk.GetObserverList, "consensus": sdk.GetConsensusStatus,
		"groups": sdk.GetGroupList, "view": sdk.GetPBFTView, "pending": sdk.GetPendingTxSize,
		"groupPeers": sdk.GetGroupPeers, "nodes": sdk.GetNodeIDList,
	} {
		value, err := get(ctx)
		must(err, name)
		told[name] = json.RawMessage(value)
	}

	settings, err := config.NewSystemConfigService(sdk)
	must(err, "system config")
	told["setConfig"], err = settings.SetValueByKey("tx_count_limit", "2000")
	must(err, "set system config")
	value, err := sdk.GetSystemConfigByKey(ctx, "tx_count_limit")
	must(err, "system config by key")
	told["config"] = string(value)

	names, err := cns.NewCnsService(sdk)
	must(err, "cns")
	told["registered"], err = names.RegisterCns("echo", "1.0", deployed, contractABI)
	must(err, "register")
	_, again := names.RegisterCns("echo", "1.0", deployed, contractABI)
	told["registeredAgain"] = fmt.Sprint(again)
	infos, err := names.QueryCnsByNameAndVersion("echo", "1.0")
	must(err, "query")
	told["named"] = infos
	address, err := names.GetAddressByContractNameAndVersion("echo", "1.0")
	must(err, "address by name")
	told["addressByName"] = address == deployed

	tables, err := crud.NewCRUDService(sdk)
	must(err, "crud")
	told["created"], err = tables.CreateTable("t_goods", "name", "price,owner")
	must(err, "create table")
	entry := crud.NewEntry()
	entry.Put("price", "3")
	entry.Put("owner", "anna")
	told["inserted"], err = tables.Insert("t_goods", "apple", entry)
	must(err, "insert")
	condition := crud.NewCondition()
	condition.EQ("owner", "anna")
	change := crud.NewEntry()
	change.Put("price", "4")
	told["updated"], err = tables.Update("t_goods", "apple", change, condition)
	must(err, "update")
	rows, err := tables.Select("t_goods", "apple", crud.NewCondition())
	must(err, "select")
	told["rows"] = rows
	told["removed"], err = tables.Remove("t_goods", "apple", crud.NewCondition())
	must(err, "remove")

	if os.Args[4] == "standard" {
		keyValueTable(sdk, told)
	}

	must(json.NewEncoder(os.Stdout).Encode(told), "print")
}

// The SDK's own example of a contract on a key-value table: it is compiled for Keccak-256 alone.
func keyValueTable(sdk *client.Client, told map[string]interface{}) {
	factory, err := abi.JSON(strings.NewReader(factoryABI))
	must(err, "factory's abi")
	create := func(name string) string {
		bound := bind.NewBoundContract(common.HexToAddress("0x1010"), factory, sdk, sdk, sdk)
		_, receipt, err := bound.Transact(sdk.GetTransactOpts(), "createTable", name, "id", "item_price,item_name")
		must(err, "create key-value table")
		return receipt.Output
	}
	told["tableCreated"] = create("t_other")

	_, _, example, err := examples.DeployKVTableTest(sdk.GetTransactOpts(), sdk)
	must(err, "deploy the example on a key-value table")
	told["tableCreatedAgain"] = create("t_kvtest")
	session := examples.KVTableTestSession{Contract: example, CallOpts: *sdk.GetCallOpts(), TransactOpts: *sdk.GetTransactOpts()}
	there, _, _, err := session.Get("100010001001")
	must(err, "get what was never set")
	told["thereBefore"] = there
	set := func(price int64, name string) *types.Receipt {
		_, receipt, err := session.Set("100010001001", big.NewInt(price), name)
		must(err, "set")
		return receipt
	}
	set(6000, "Laptop")
	told["setReceipt"] = set(-5, "Laptop, used")
	there, price, name, err := session.Get("100010001001")
	must(err, "get")
	told["got"] = []interface{}{there, price, name}
}
