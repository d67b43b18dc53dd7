//! Key-value tables of both generations, as clients see them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may fail loudly"
)]

mod support;

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_primitives::{Address, I256, address};
use berth_devnet_evm::{fisco::Generation, suite::Suite};
use serde_json::Value;
use support::{Bed, created, texts};

const FACTORY: Address = address!("0000000000000000000000000000000000001010");
const CRUD: Address = address!("0000000000000000000000000000000000001002");
const MANAGER: Address = address!("0000000000000000000000000000000000001002");
const SUITES: [Suite; 2] = [Suite::Standard, Suite::Sm];

fn call(bed: &Bed, signature: &str, arguments: &[&str]) -> Vec<u8> {
    [bed.selector(signature), texts(arguments)].concat()
}

fn number(number: i64) -> String {
    format!("0x{}", hex::encode(I256::try_from(number).unwrap().to_be_bytes::<32>()))
}

/// The reason in an output.
fn reason(receipt: &Value) -> String {
    let output = hex::decode(&receipt["output"].as_str().unwrap()[2..]).unwrap();
    DynSolType::String.abi_decode_params(&output[4..]).unwrap().as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_value_table_of_2x_is_made_once_and_opened_for_one_transaction() {
    for suite in SUITES {
        let bed = Bed::new(Generation::Two, suite);
        let create = call(&bed, "createTable(string,string,string)", &["goods", " id ", "price, owner"]);
        let receipt = bed.send(Some(FACTORY), &create).await;
        assert_eq!((&receipt["status"], &receipt["output"]), (&"0x0".into(), &number(0).into()), "{receipt}");
        let again = bed.send(Some(FACTORY), &create).await;
        assert_eq!((&again["status"], &again["output"]), (&"0x0".into(), &number(-50001).into()));
        // CRUD has the same tables.
        let described = bed.call(CRUD, &call(&bed, "desc(string)", &["goods"])).await;
        let described = DynSolType::parse("(string,string)").unwrap().abi_decode_params(&described).unwrap();
        assert_eq!(described.abi_encode_params(), texts(&["id", "price,owner"]));

        let opened = bed.call(FACTORY, &call(&bed, "openTable(string)", &["goods"])).await;
        let table = Address::from_slice(&opened[12..]);
        assert_eq!(table, address!("0000000000000000000000000000000000010001"));
        let later = bed.send(Some(table), &call(&bed, "get(string)", &["apple"])).await;
        assert_eq!(later["status"], "0x1a", "{later}");
        let missing = bed.send(Some(FACTORY), &call(&bed, "openTable(string)", &["nothing"])).await;
        assert_eq!(
            (&missing["status"], reason(&missing)),
            (&"0x15".into(), "u_nothing does not exist".into())
        );
    }
}

#[tokio::test]
async fn names_that_tables_cannot_have_are_refused_with_the_nodes_reasons() {
    let (long_field, long_name) = ("f".repeat(65), "t".repeat(49));
    let bed = Bed::new(Generation::Two, Suite::Standard);
    for (arguments, why) in [
        (["a-b", "id", "value"], "invalid tablename:a-b"),
        (["t", "_id", "value"], "invalid field:_id"),
        (["t", "id", ""], "invalid field:"),
        (["t", "id", "a,id"], "dumplicate field:id"),
        (["t", "id", &long_field], "table field name length overflow 64"),
        ([&long_name, "id", "value"], "tableName length overflow 48"),
    ] {
        let receipt =
            bed.send(Some(FACTORY), &call(&bed, "createTable(string,string,string)", &arguments)).await;
        assert_eq!((&receipt["status"], reason(&receipt).as_str()), (&"0x15".into(), why));
    }
    let bed = Bed::new(Generation::Three, Suite::Standard);
    for (arguments, why) in [
        (["a$b", "id", "value"], "invalid table name: a$b"),
        (["t", "id", "_value"], "invalid field: _value"),
        (["t", "id", "id"], "duplicated field: id"),
        ([&long_name, "id", "value"], "errorCode: -50002 tableName length overflow 50"),
    ] {
        let receipt =
            bed.send(Some(MANAGER), &call(&bed, "createKVTable(string,string,string)", &arguments)).await;
        assert_eq!((&receipt["status"], reason(&receipt).as_str()), (&15.into(), why));
    }
}

#[tokio::test]
async fn a_key_value_table_of_3x_keeps_values() {
    for suite in SUITES {
        let bed = Bed::new(Generation::Three, suite);
        let create = call(&bed, "createKVTable(string,string,string)", &["goods", "id", "value"]);
        let receipt = bed.send(Some(MANAGER), &create).await;
        assert_eq!((&receipt["status"], &receipt["output"]), (&0.into(), &number(0).into()), "{receipt}");
        let again = bed.send(Some(MANAGER), &create).await;
        assert_eq!((&again["status"], &again["output"]), (&0.into(), &number(-50001).into()));
        let open = |name| call(&bed, "openTable(string)", &[name]);
        let table = Address::from_slice(&bed.call(MANAGER, &open("/tables/goods")).await[12..]);
        assert_ne!(table, Address::ZERO);
        assert_eq!(bed.call(MANAGER, &open("nothing")).await, [0; 32]);
        let described = bed.call(MANAGER, &call(&bed, "desc(string)", &["goods"])).await;
        let text = |text: &str| DynSolValue::String(text.into());
        let table_info = DynSolValue::Tuple(vec![text("id"), DynSolValue::Array(vec![text("value")])]);
        assert_eq!(described, DynSolValue::Tuple(vec![table_info]).abi_encode_params());

        let set = |key: &str, value: &str| call(&bed, "set(string,string)", &[key, value]);
        let receipt = bed.send(Some(table), &set("apple", "3")).await;
        assert_eq!((&receipt["status"], &receipt["output"]), (&0.into(), &number(1).into()), "{receipt}");
        let receipt = bed.send(Some(table), &set("", "3")).await;
        assert_eq!(
            (&receipt["status"], reason(&receipt).as_str()),
            (&15.into(), "Table insert entry key is empty")
        );
        let receipt = bed.send(Some(table), &set(&"k".repeat(256), "3")).await;
        assert_eq!(receipt["status"], 15, "{receipt}");
        for (key, there) in [("apple", true), ("pear", false)] {
            let got = bed.call(table, &call(&bed, "get(string)", &[key])).await;
            let got = DynSolType::parse("(bool,string)").unwrap().abi_decode_params(&got).unwrap();
            let value = DynSolValue::String(if there { "3" } else { "" }.into());
            assert_eq!(got, DynSolValue::Tuple(vec![DynSolValue::Bool(there), value]));
        }
    }
}

#[tokio::test]
async fn a_value_need_not_be_text() {
    let bed = Bed::new(Generation::Three, Suite::Standard);
    bed.send(Some(MANAGER), &call(&bed, "createKVTable(string,string,string)", &["goods", "id", "value"]))
        .await;
    let table = bed.call(MANAGER, &call(&bed, "openTable(string)", &["goods"])).await;
    let table = Address::from_slice(&table[12..]);
    let (key, value) = (DynSolValue::String("apple".into()), DynSolValue::Bytes(vec![0xff, 0, 0xfe]));
    let arguments = DynSolValue::Tuple(vec![key, value.clone()]).abi_encode_params();
    bed.send(Some(table), &[bed.selector("set(string,string)"), arguments].concat()).await;
    let got = bed.call(table, &call(&bed, "get(string)", &["apple"])).await;
    assert_eq!(got, DynSolValue::Tuple(vec![DynSolValue::Bool(true), value]).abi_encode_params());
}

#[tokio::test]
async fn system_contracts_have_one_byte_of_code_to_other_contracts() {
    // Each returns the size of the code at an address: PUSH2, EXTCODESIZE, then the word is returned.
    for (address, generation, size) in
        [("1010", Generation::Two, 1), ("1002", Generation::Three, 1), ("1fff", Generation::Two, 0)]
    {
        let bed = Bed::new(generation, Suite::Sm);
        let code = hex::decode(format!("600c600c600039600c6000f361{address}3b60005260206000f3")).unwrap();
        let contract = created(&bed.send(None, &code).await);
        assert_eq!(bed.call(contract, &[0]).await, I256::try_from(size).unwrap().to_be_bytes::<32>());
    }
}
