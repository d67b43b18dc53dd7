//! The preset store on a key-value table: what others see of it, and what it makes of what they write. That it keeps the clauses of the store
//! is in `conformance.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails, in its helpers too"
)]

#[path = "../../../conformance/devnets/evm/tests/support/mod.rs"]
mod support;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, address, hex};
use berth_devnet_evm::{fisco::Generation, suite::Suite};
use serde_json::Value;
use support::{Bed, created, texts};

/// CRUD of 2.x and the table manager of 3.x.
const TABLES: Address = address!("0000000000000000000000000000000000001002");
const NETWORKS: [(Generation, Suite); 4] = [
    (Generation::Two, Suite::Standard),
    (Generation::Two, Suite::Sm),
    (Generation::Three, Suite::Standard),
    (Generation::Three, Suite::Sm),
];

/// A node with a store on the table `t_store`.
struct Shop {
    bed: Bed,
    store: Address,
}

impl Shop {
    async fn open(generation: Generation, suite: Suite) -> Self {
        let bed = Bed::new(generation, suite);
        let receipt = deploy(&bed).await;
        assert!(is_good(&receipt), "{receipt}");
        Shop { bed, store: created(&receipt) }
    }

    async fn send(&self, to: Address, signature: &str, arguments: &[&str]) -> Value {
        let input = [self.bed.selector(signature), texts(arguments)].concat();
        self.bed.send(Some(to), &input).await
    }

    /// Writes, which must succeed.
    async fn write(&self, signature: &str, arguments: &[&str]) {
        let receipt = self.send(self.store, signature, arguments).await;
        assert!(is_good(&receipt), "{receipt}");
    }

    /// The value that the store gives, none where it refuses.
    async fn get(&self, key: &str) -> Option<String> {
        let receipt = self.send(self.store, "get(string)", &[key]).await;
        is_good(&receipt).then(|| {
            let output = hex::decode(receipt["output"].as_str().unwrap()).unwrap();
            let value = DynSolType::Bytes.abi_decode_params(&output).unwrap();
            String::from_utf8(value.as_bytes().unwrap().to_vec()).unwrap()
        })
    }

    /// The table of 3.x.
    async fn table(&self) -> Address {
        let open = [self.bed.selector("openTable(string)"), texts(&["t_store"])].concat();
        Address::from_slice(&self.bed.call(TABLES, &open).await[12..])
    }

    /// The value that others find in the table.
    async fn seen(&self, key: &str) -> String {
        let answer = match self.bed.generation {
            Generation::Two => {
                let input = self.bed.selector("select(string,string,string,string)");
                let answer =
                    self.bed.call(TABLES, &[input, texts(&["t_store", key, "{}", ""])].concat()).await;
                let rows = DynSolType::String.abi_decode_params(&answer).unwrap();
                let rows: Value = serde_json::from_str(rows.as_str().unwrap()).unwrap();
                return rows[0]["value"].as_str().unwrap().to_owned();
            }
            Generation::Three => {
                let input = [self.bed.selector("get(string)"), texts(&[key])].concat();
                self.bed.call(self.table().await, &input).await
            }
        };
        let DynSolValue::Tuple(found) =
            DynSolType::parse("(bool,string)").unwrap().abi_decode_params(&answer).unwrap()
        else {
            panic!("no tuple");
        };
        assert_eq!(found[0], DynSolValue::Bool(true));
        found[1].as_str().unwrap().to_owned()
    }

    /// Somebody writes into the table without the store.
    async fn write_round_it(&self, key: &str, value: &str) {
        let receipt = match self.bed.generation {
            Generation::Two => {
                let row = format!(r#"{{"value":"{value}"}}"#);
                let arguments = ["t_store", key, &row, "{}", ""];
                self.send(TABLES, "update(string,string,string,string,string)", &arguments).await
            }
            Generation::Three => self.send(self.table().await, "set(string,string)", &[key, value]).await,
        };
        assert!(is_good(&receipt), "{receipt}");
    }
}

async fn deploy(bed: &Bed) -> Value {
    let compiled = match (bed.generation, bed.suite) {
        (Generation::Two, Suite::Standard) => include_str!("../contracts/out/TableStore2.json"),
        (Generation::Two, Suite::Sm) => include_str!("../contracts/out/TableStore2.sm.json"),
        (Generation::Three, Suite::Standard) => include_str!("../contracts/out/TableStore3.json"),
        (Generation::Three, Suite::Sm) => include_str!("../contracts/out/TableStore3.sm.json"),
    };
    let compiled: Value = serde_json::from_str(compiled).unwrap();
    let code = hex::decode(compiled["bytecode"].as_str().unwrap()).unwrap();
    bed.send(None, &[code, texts(&["t_store"])].concat()).await
}

fn is_good(receipt: &Value) -> bool {
    receipt["status"] == "0x0" || receipt["status"] == 0
}

#[tokio::test]
async fn others_find_the_values_in_the_table_under_the_same_keys() {
    for (generation, suite) in NETWORKS {
        let shop = Shop::open(generation, suite).await;
        shop.write("insert(string,bytes)", &["apple", "red"]).await;
        assert_eq!(shop.seen("apple").await, "red");
        shop.write("update(string,bytes)", &["apple", "green"]).await;
        assert_eq!(shop.seen("apple").await, "green");
        assert_eq!(shop.get("apple").await.as_deref(), Some("green"));
        shop.write("remove(string)", &["apple"]).await;
        // A table forgets no key.
        assert_eq!(shop.seen("apple").await, "");
        assert_eq!(shop.get("apple").await, None);
    }
}

#[tokio::test]
async fn a_value_that_others_wrote_is_not_given_until_the_store_writes_again() {
    for (generation, suite) in NETWORKS {
        let shop = Shop::open(generation, suite).await;
        shop.write("insert(string,bytes)", &["apple", "red"]).await;
        shop.write_round_it("apple", "blue").await;
        assert_eq!(shop.seen("apple").await, "blue");
        assert_eq!(shop.get("apple").await, None);
        assert!(!is_good(&shop.send(shop.store, "insert(string,bytes)", &["apple", "red"]).await));
        shop.write("update(string,bytes)", &["apple", "green"]).await;
        assert_eq!(shop.get("apple").await.as_deref(), Some("green"));
    }
}

#[tokio::test]
async fn a_table_that_is_there_already_is_not_taken_over() {
    for (generation, suite) in NETWORKS {
        let shop = Shop::open(generation, suite).await;
        let receipt = deploy(&shop.bed).await;
        assert!(!is_good(&receipt), "{receipt}");
        shop.write("insert(string,bytes)", &["apple", "red"]).await;
        assert_eq!(shop.get("apple").await.as_deref(), Some("red"));
    }
}

#[tokio::test]
async fn rows_that_others_add_in_2x_do_not_keep_the_store_from_writing() {
    let shop = Shop::open(Generation::Two, Suite::Standard).await;
    let row = ["t_store", "apple", r#"{"value":"blue"}"#, ""];
    for _ in 0..2 {
        assert!(is_good(&shop.send(TABLES, "insert(string,string,string,string)", &row).await));
    }
    assert_eq!(shop.get("apple").await, None);
    shop.write("insert(string,bytes)", &["apple", "red"]).await;
    assert!(is_good(&shop.send(TABLES, "insert(string,string,string,string)", &row).await));
    assert_eq!(shop.get("apple").await.as_deref(), Some("red"));
    shop.write("update(string,bytes)", &["apple", "green"]).await;
    assert_eq!(shop.get("apple").await.as_deref(), Some("green"));
}
