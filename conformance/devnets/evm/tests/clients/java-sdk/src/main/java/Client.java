import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.fisco.bcos.sdk.jni.common.JniLibLoader;
import org.fisco.bcos.sdk.jni.utilities.tx.TxPair;
import org.fisco.bcos.sdk.v3.BcosSDK;
import org.fisco.bcos.sdk.v3.client.protocol.request.Transaction;
import org.fisco.bcos.sdk.v3.client.protocol.response.BcosBlock;
import org.fisco.bcos.sdk.v3.codec.ContractCodec;
import org.fisco.bcos.sdk.v3.config.ConfigOption;
import org.fisco.bcos.sdk.v3.config.model.ConfigProperty;
import org.fisco.bcos.sdk.v3.contract.precompiled.bfs.BFSService;
import org.fisco.bcos.sdk.v3.contract.precompiled.consensus.ConsensusService;
import org.fisco.bcos.sdk.v3.contract.precompiled.crud.KVTableService;
import org.fisco.bcos.sdk.v3.contract.precompiled.sysconfig.SystemConfigService;
import org.fisco.bcos.sdk.v3.crypto.keypair.CryptoKeyPair;
import org.fisco.bcos.sdk.v3.eventsub.EventSubParams;
import org.fisco.bcos.sdk.v3.eventsub.EventSubscribe;
import org.fisco.bcos.sdk.v3.model.EventLog;
import org.fisco.bcos.sdk.v3.model.TransactionReceipt;
import org.fisco.bcos.sdk.v3.transaction.manager.TransactionProcessor;
import org.fisco.bcos.sdk.v3.transaction.manager.TransactionProcessorFactory;
import org.fisco.bcos.sdk.v3.transaction.manager.transactionv1.DefaultTransactionManager;
import org.fisco.bcos.sdk.v3.transaction.manager.transactionv1.utils.AbiEncodedRequestBuilder;
import org.fisco.bcos.sdk.v3.transaction.model.exception.ContractException;
import org.fisco.bcos.sdk.v3.utils.Hex;
import org.fisco.bcos.sdk.v3.utils.MerkleProofUtility;

/**
 * Uses a FISCO-like 3.x node through the official Java SDK, over its websocket, and prints what it got as one JSON object.
 *
 * <p>Client HOST:PORT GROUP PRIVATE_KEY_HEX, or Client loads, which fails where the SDK's native library does not load.
 */
public class Client {
    /** Logs the first word of its input with the topic 42, and returns it. */
    private static final String CODE = "6012600c60003960126000f3600035600052602a60206000a160206000f3";

    private static final String ABI =
            "[{\"inputs\":[{\"name\":\"n\",\"type\":\"uint256\"}],\"name\":\"echo\",\"outputs\":[{\"name\":\"\",\"type\":\"uint256\"}],"
                    + "\"type\":\"function\",\"constant\":false,\"payable\":false,\"stateMutability\":\"nonpayable\"}]";

    private static final String TOPIC = "0x000000000000000000000000000000000000000000000000000000000000002a";

    private final Map<String, Object> told = new LinkedHashMap<>();
    private final LinkedBlockingQueue<BigInteger> blocks = new LinkedBlockingQueue<>();
    private final LinkedBlockingQueue<Map<String, Object>> events = new LinkedBlockingQueue<>();

    private final BcosSDK sdk;
    private final org.fisco.bcos.sdk.v3.client.Client client;
    private final CryptoKeyPair key;

    private Client(String peer, String group, String secret) throws Exception {
        ConfigProperty property = new ConfigProperty();
        property.setCryptoMaterial(Map.of("disableSsl", "true"));
        property.setNetwork(Map.of("peers", List.of(peer)));
        property.setThreadPool(Map.of("threadPoolSize", "2"));
        sdk = new BcosSDK(new ConfigOption(property));
        client = sdk.getClient(group);
        sdk.registerBlockNotifier(group, (of, number) -> blocks.add(number));
        key = client.getCryptoSuite().loadKeyPair(secret);
        client.getCryptoSuite().setCryptoKeyPair(key);
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 1 && arguments[0].equals("loads")) {
            JniLibLoader.loadJniLibrary();
            return;
        }
        if (arguments.length != 3) {
            System.err.println("usage: Client HOST:PORT GROUP PRIVATE_KEY_HEX | Client loads");
            System.exit(2);
        }
        Client own = new Client(arguments[0], arguments[1], arguments[2]);
        own.node();
        String contract = own.contract();
        own.events(contract);
        own.systemContracts(contract);
        System.out.println(new ObjectMapper().writeValueAsString(own.told));
        // The library's threads would go on.
        System.exit(0);
    }

    /** What the node tells of itself. */
    private void node() {
        told.put("address", key.getAddress());
        told.put("sm", client.getCryptoType() == 1);
        told.put("chain", client.getChainId());
        told.put("protocol", client.getNegotiatedProtocol());
        told.put("version", client.getChainCompatibilityVersion().toString());
        told.put("before", client.getBlockNumber().getBlockNumber());
        told.put("limit", client.getBlockLimit());
        told.put("groups", client.getGroupList().getResult().getGroupList());
        told.put("groupInfo", client.getGroupInfo().getResult());
        told.put("groupInfos", client.getGroupInfoList().getResult().size());
        told.put("nodeInfo", client.getGroupNodeInfo("node0").getResult());
        told.put("peers", client.getPeers().getPeers());
        told.put("groupPeers", client.getGroupPeers().getGroupPeers());
        told.put("sealers", client.getSealerList().getSealerList());
        told.put("observers", client.getObserverList().getObserverList());
        told.put("byType", client.getNodeListByType("consensus_sealer").getSealerList());
        told.put("view", client.getPbftView().getPbftView());
        told.put("pending", client.getPendingTxSize().getPendingTxSize());
        told.put("sync", client.getSyncStatus().getSyncStatus());
        told.put("consensus", client.getConsensusStatus().getConsensusStatus());
        told.put("genesis", client.getBlockHashByNumber(BigInteger.ZERO).getBlockHashByNumber());
    }

    /** A contract is made and used; what the SDK reckons for itself is put beside what the node says. */
    private String contract() throws Exception {
        ContractCodec codec = new ContractCodec(client.getCryptoSuite(), false);
        TransactionProcessor processor = TransactionProcessorFactory.createTransactionProcessor(client, key);
        TxPair creation = processor.createDeploySignedTransaction("", Hex.decode(CODE), ABI, key, 0);
        TransactionReceipt created = client.sendTransaction(creation.getSignedTx(), false).getTransactionReceipt();
        told.put("creationHash", creation.getTxHash());
        told.put("created", created);
        String contract = created.getContractAddress();
        told.put("code", client.getCode(contract).getCode());
        told.put("abi", client.getABI(contract).getABI().equals(ABI));

        byte[] echo = codec.encodeMethod(ABI, "echo", List.of(BigInteger.valueOf(7)));
        told.put("input", Hex.toHexStringWithPrefix(echo));
        told.put("read", client.call(new Transaction(key.getAddress(), contract, echo)).getCallResult().getOutput());
        TxPair zero = processor.createSignedTransaction(contract, echo, key, 0);
        told.put("version0", sent(zero));
        // With the transactions of version 1 the SDK also fills in a price and a limit of gas.
        DefaultTransactionManager manager = new DefaultTransactionManager(client);
        told.put("supportsVersion1", client.isSupportTransactionV1());
        told.put("version1", sent(manager.createSignedTransaction(new AbiEncodedRequestBuilder(echo, contract).build())));
        try {
            client.sendTransaction(zero.getSignedTx(), false);
            told.put("again", null);
        } catch (Exception refused) {
            told.put("again", refused.getMessage());
        }

        told.put("total", client.getTotalTransactionCount().getTotalTransactionCount());
        told.put("after", client.getBlockNumber().getBlockNumber());
        told.put("notified", List.of(notified(), notified(), notified()));
        return contract;
    }

    /** Sends, and looks the outcome up in every way there is. */
    private Map<String, Object> sent(TxPair pair) throws Exception {
        Map<String, Object> all = new LinkedHashMap<>();
        String hash = pair.getTxHash();
        TransactionReceipt receipt = client.sendTransaction(pair.getSignedTx(), false).getTransactionReceipt();
        all.put("hash", hash);
        all.put("signed", pair.getSignedTx());
        all.put("receipt", receipt);
        all.put("receiptHash", receipt.calculateReceiptHash(client.getCryptoSuite()));
        TransactionReceipt again = client.getTransactionReceipt(hash, true).getTransactionReceipt();
        all.put("sameReceipt", again.getReceiptHash().equals(receipt.getReceiptHash()));
        var transaction = client.getTransaction(hash, true).getTransaction().get();
        all.put("transaction", transaction);
        // Since 3.3 nodes show the nonce as the hexadecimal of its text, which the SDK does not undo here.
        String nonce = transaction.getNonce();
        transaction.setNonce(new String(Hex.decode(nonce), StandardCharsets.UTF_8));
        all.put("transactionHash", transaction.calculateHash(client.getCryptoSuite()));
        transaction.setNonce(nonce);

        BcosBlock.Block block = client.getBlockByNumber(receipt.getBlockNumber(), false, false).getBlock();
        all.put("block", block);
        all.put("blockHash", block.calculateBlockHeaderHash(client.getCryptoSuite().getHashImpl()));
        BcosBlock.Block byHash = client.getBlockByHash(block.getHash(), false, true).getBlock();
        all.put("hashInBlock", byHash.getTransactions().get(0).get());
        all.put("header", client.getBlockByNumber(receipt.getBlockNumber(), true, false).getBlock().getHash());
        all.put("provenReceipt", MerkleProofUtility.verifyMerkle(block.getReceiptsRoot(), again.getTxReceiptProof(),
                receipt.getReceiptHash(), client.getCryptoSuite()));
        all.put("provenTransaction", MerkleProofUtility.verifyMerkle(block.getTransactionsRoot(),
                transaction.getTxProof(), hash, client.getCryptoSuite()));
        return all;
    }

    private BigInteger notified() throws Exception {
        return blocks.poll(20, TimeUnit.SECONDS);
    }

    /** Subscriptions: of blocks that are there, up to one; of those to come; and of another topic. */
    private void events(String contract) throws Exception {
        EventSubscribe subscribe = sdk.getEventSubscribe(client.getGroup());
        subscribe.start();
        EventSubParams past = new EventSubParams();
        past.setFromBlock(BigInteger.ONE);
        past.setToBlock(BigInteger.valueOf(3));
        past.addAddress(contract);
        past.addTopic(0, TOPIC);
        subscribe.subscribeEvent(past, this::received);
        // The answer, an event of each of the two blocks, and the end.
        told.put("past", List.of(event(), event(), event(), event()));

        EventSubParams other = new EventSubParams();
        other.setFromBlock(BigInteger.ONE);
        other.addTopic(0, "0x" + "0".repeat(64));
        subscribe.subscribeEvent(other, this::received);
        told.put("otherTopic", List.of(event()));

        EventSubParams coming = new EventSubParams();
        coming.setFromBlock(client.getBlockNumber().getBlockNumber().add(BigInteger.ONE));
        coming.addAddress(contract);
        String id = subscribe.subscribeEvent(coming, this::received);
        Map<String, Object> answer = event();
        TransactionProcessor processor = TransactionProcessorFactory.createTransactionProcessor(client, key);
        byte[] input = new byte[32];
        input[31] = 9;
        processor.sendTransactionAndGetReceipt(contract, input, key, 0);
        told.put("coming", List.of(answer, event()));
        subscribe.unsubscribeEvent(id);
    }

    private void received(String id, int status, List<EventLog> logs) {
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("status", status);
        event.put("logs", logs);
        events.add(event);
    }

    private Map<String, Object> event() throws Exception {
        Map<String, Object> event = events.poll(20, TimeUnit.SECONDS);
        return event == null ? Map.of() : event;
    }

    /** The contracts that every chain has. */
    private void systemContracts(String contract) throws Exception {
        SystemConfigService config = new SystemConfigService(client, key);
        told.put("configSet", config.setValueByKey("tx_count_limit", "2000").getCode());
        told.put("config", client.getSystemConfigByKey("tx_count_limit").getSystemConfig().getValue());

        BFSService files = new BFSService(client, key);
        told.put("linked", files.link("echo", "1.0", contract, ABI).getCode());
        told.put("link", files.readlink("/apps/echo/1.0"));
        told.put("listed", files.list("/apps/echo").size());
        told.put("made", files.mkdir("/apps/folder").getCode());

        KVTableService tables = new KVTableService(client, key);
        told.put("tableCreated", tables.createTable("goods", "name", "price").getCode());
        told.put("tableSet", tables.set("goods", "apple", "3").getCode());
        told.put("tableGot", tables.get("goods", "apple"));
        told.put("tableFields", tables.desc("goods"));

        ConsensusService consensus = new ConsensusService(client, key);
        String last = client.getSealerList().getSealerList().get(3).getNodeID();
        told.put("observed", consensus.addObserver(last).getCode());
        told.put("observersNow", client.getObserverList().getObserverList());
        told.put("sealed", consensus.addSealer(last, BigInteger.ONE).getCode());
        told.put("sealersNow", client.getSealerList().getSealerList().size());
        try {
            told.put("strange", consensus.removeNode("00").getCode());
        } catch (ContractException refused) {
            told.put("strange", refused.getErrorCode());
        }
    }
}
