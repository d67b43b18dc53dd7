//! Transactions: the bytes that are signed, and the bytes that are sent.
//!
//! Legacy transactions are signed after EIP-155, others are type 2 of EIP-2718 with the fields of EIP-1559. They are
//! encoded here with `alloy-rlp`: nine or twelve fields each, where the crates that do it whole bring much more than
//! a guest needs.

use adapter_sdk::{
    Imports,
    types::{Error, HashAlgorithm, Signature, SignatureScheme},
};
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};

use crate::{errors::invalid, parties};

/// EIP-2718 type byte of EIP-1559 transactions.
const DYNAMIC_FEE: u8 = 2;

/// Half of the order of secp256k1; a signature's `s` must not be beyond it (EIP-2).
const HALF_ORDER: [u8; 32] = hex!("7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0");

/// What one unit of gas costs, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fees {
    /// One price.
    Legacy {
        /// Paid for each unit.
        price: u128,
    },
    /// EIP-1559.
    Dynamic {
        /// For whoever makes the block.
        tip: u128,
        /// The most, tip included.
        cap: u128,
    },
}

impl Fees {
    /// The most that one unit can cost.
    pub(crate) fn most(self) -> u128 {
        match self {
            Fees::Legacy { price } => price,
            Fees::Dynamic { cap, .. } => cap,
        }
    }
}

/// A transaction before it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsigned {
    /// EIP-155 chain id.
    pub(crate) chain_id: u64,
    /// The sender's counter.
    pub(crate) nonce: u64,
    /// Price of gas.
    pub(crate) fees: Fees,
    /// The most gas.
    pub(crate) gas: u64,
    /// None: creates a contract.
    pub(crate) to: Option<Address>,
    /// Wei sent along.
    pub(crate) value: U256,
    /// Selector and arguments, or creation code.
    pub(crate) data: Bytes,
}

/// A signature in Ethereum's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    r: U256,
    s: U256,
    parity: bool,
}

/// A signed transaction, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// What was signed.
    pub(crate) unsigned: Unsigned,
    seal: Seal,
}

/// Nothing or an address, as RLP has it.
fn encode_to(to: Option<Address>, out: &mut Vec<u8>) {
    match to {
        Some(to) => to.encode(out),
        None => out.push(alloy_rlp::EMPTY_STRING_CODE),
    }
}

/// `payload` as an RLP list, behind `prefix`.
fn list(prefix: &[u8], payload: &[u8]) -> Vec<u8> {
    let header = Header { list: true, payload_length: payload.len() };
    let mut out = Vec::with_capacity(prefix.len() + header.length_with_payload());
    out.extend_from_slice(prefix);
    header.encode(&mut out);
    out.extend_from_slice(payload);
    out
}

impl Unsigned {
    /// The most that it costs beside the value, in wei.
    pub(crate) fn max_fee(&self) -> U256 {
        U256::from(self.gas) * U256::from(self.fees.most())
    }

    /// The encoded fields, and the type byte where there is one.
    fn fields(&self) -> (&'static [u8], Vec<u8>) {
        let mut out = Vec::with_capacity(self.data.len() + 160);
        match self.fees {
            Fees::Legacy { price } => {
                self.nonce.encode(&mut out);
                price.encode(&mut out);
            }
            Fees::Dynamic { tip, cap } => {
                self.chain_id.encode(&mut out);
                self.nonce.encode(&mut out);
                tip.encode(&mut out);
                cap.encode(&mut out);
            }
        }
        self.gas.encode(&mut out);
        encode_to(self.to, &mut out);
        self.value.encode(&mut out);
        self.data.encode(&mut out);
        match self.fees {
            Fees::Legacy { .. } => (&[], out),
            Fees::Dynamic { .. } => {
                out.push(alloy_rlp::EMPTY_LIST_CODE); // no access list
                (&[DYNAMIC_FEE], out)
            }
        }
    }

    /// The bytes whose Keccak-256 hash is signed.
    pub(crate) fn signing_bytes(&self) -> Vec<u8> {
        let (prefix, mut fields) = self.fields();
        if let Fees::Legacy { .. } = self.fees {
            self.chain_id.encode(&mut fields);
            0u8.encode(&mut fields);
            0u8.encode(&mut fields);
        }
        list(prefix, &fields)
    }

    /// The bytes that are sent.
    pub(crate) fn sealed(&self, seal: Seal) -> Vec<u8> {
        let (prefix, mut fields) = self.fields();
        match self.fees {
            Fees::Legacy { .. } => {
                let v = U256::from(self.chain_id) * U256::from(2) + U256::from(35) + U256::from(seal.parity);
                v.encode(&mut fields);
            }
            Fees::Dynamic { .. } => seal.parity.encode(&mut fields),
        }
        seal.r.encode(&mut fields);
        seal.s.encode(&mut fields);
        list(prefix, &fields)
    }

    /// Reads what [`signing_bytes`](Self::signing_bytes) writes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |_| invalid("the transaction does not decode");
        let (unsigned, mut rest) = Self::decode_fields(bytes).map_err(malformed)?;
        match unsigned.fees {
            Fees::Dynamic { .. } if rest.is_empty() => Ok(unsigned),
            Fees::Legacy { .. } => {
                let chain_id = u64::decode(&mut rest).map_err(malformed)?;
                let zeros =
                    (u8::decode(&mut rest).map_err(malformed)?, u8::decode(&mut rest).map_err(malformed)?);
                if zeros == (0, 0) && rest.is_empty() {
                    Ok(Unsigned { chain_id, ..unsigned })
                } else {
                    Err(invalid("the transaction is not followed by EIP-155's end"))
                }
            }
            Fees::Dynamic { .. } => Err(invalid("the transaction has more fields than it should")),
        }
    }

    /// The fields that signed and unsigned transactions share, and what follows them. A legacy one's chain id follows.
    fn decode_fields(bytes: &[u8]) -> alloy_rlp::Result<(Self, &[u8])> {
        let (dynamic, mut bytes) = match bytes.split_first() {
            Some((&DYNAMIC_FEE, rest)) => (true, rest),
            _ => (false, bytes),
        };
        let mut fields = Header::decode_bytes(&mut bytes, true)?;
        if !bytes.is_empty() {
            return Err(alloy_rlp::Error::UnexpectedLength);
        }
        let fields = &mut fields;
        let chain_id = if dynamic { u64::decode(fields)? } else { 0 };
        let nonce = u64::decode(fields)?;
        let fees = if dynamic {
            Fees::Dynamic { tip: u128::decode(fields)?, cap: u128::decode(fields)? }
        } else {
            Fees::Legacy { price: u128::decode(fields)? }
        };
        let gas = u64::decode(fields)?;
        let to = match Header::decode_bytes(fields, false)? {
            [] => None,
            to => Some(Address::try_from(to).map_err(|_| alloy_rlp::Error::UnexpectedLength)?),
        };
        let value = U256::decode(fields)?;
        let data = Bytes::decode(fields)?;
        if dynamic && !Header::decode_bytes(fields, true)?.is_empty() {
            return Err(alloy_rlp::Error::Custom("an access list"));
        }
        Ok((Unsigned { chain_id, nonce, fees, gas, to, value, data }, fields))
    }
}

impl Seal {
    /// Checks that the signature is `sender`'s over `message`: 64 bytes, `s` in the lower half, and the point that
    /// the host recovers has the sender's address.
    pub(crate) fn checked(
        host: &dyn Imports,
        signature: &Signature,
        message: &[u8],
        sender: Address,
    ) -> Result<Self, Error> {
        let (r, s) = match signature.bytes.split_first_chunk::<32>() {
            Some((r, s)) => match <[u8; 32]>::try_from(s) {
                Ok(s) => (*r, s),
                Err(_) => return Err(invalid("a signature has 64 bytes")),
            },
            None => return Err(invalid("a signature has 64 bytes")),
        };
        if s > HALF_ORDER {
            return Err(invalid("the signature's s must be in the lower half of the curve's order"));
        }
        let digest = host.hash(HashAlgorithm::Keccak256, message);
        let is_senders = |parity: u8| {
            let tried = Signature { recovery_id: Some(parity), ..signature.clone() };
            let point = host.recover(SignatureScheme::EcdsaSecp256k1Keccak256, &digest, &tried);
            point.as_deref().and_then(parties::address_of) == Some(sender)
        };
        // Many signers cannot give the parity; of the two, only one leads to the sender.
        let parity = match signature.recovery_id {
            None => [0, 1].into_iter().find(|parity| is_senders(*parity)),
            Some(given @ (0 | 1)) => Some(given).filter(|given| is_senders(*given)),
            Some(_) => return Err(invalid("a signature's recovery id is 0 or 1")),
        };
        let Some(parity) = parity else {
            return Err(invalid(format!(
                "the signature is not by the key of {sender} over what was to be signed"
            )));
        };
        Ok(Seal { r: U256::from_be_bytes(r), s: U256::from_be_bytes(s), parity: parity == 1 })
    }
}

impl Signed {
    /// Takes the bytes of an envelope apart.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let malformed = |_| invalid("the envelope's transaction does not decode");
        let (mut unsigned, mut rest) = Unsigned::decode_fields(bytes).map_err(malformed)?;
        let parity = match unsigned.fees {
            Fees::Dynamic { .. } => bool::decode(&mut rest).map_err(malformed)?,
            Fees::Legacy { .. } => {
                let v = u128::decode(&mut rest).map_err(malformed)?;
                let offset = v
                    .checked_sub(35)
                    .ok_or_else(|| invalid("the transaction is not signed after EIP-155"))?;
                unsigned.chain_id =
                    u64::try_from(offset / 2).map_err(|_| invalid("the chain id is too large"))?;
                offset % 2 == 1
            }
        };
        let r = U256::decode(&mut rest).map_err(malformed)?;
        let s = U256::decode(&mut rest).map_err(malformed)?;
        if !rest.is_empty() {
            return Err(invalid("the envelope's transaction has more fields than it should"));
        }
        Ok(Signed { unsigned, seal: Seal { r, s, parity } })
    }

    /// Who signed it.
    pub(crate) fn sender(&self, host: &dyn Imports) -> Result<Address, Error> {
        let digest = host.hash(HashAlgorithm::Keccak256, &self.unsigned.signing_bytes());
        let bytes = [self.seal.r.to_be_bytes::<32>(), self.seal.s.to_be_bytes::<32>()].concat();
        let signature = Signature { bytes, recovery_id: Some(u8::from(self.seal.parity)) };
        let point = host.recover(SignatureScheme::EcdsaSecp256k1Keccak256, &digest, &signature);
        point
            .as_deref()
            .and_then(parties::address_of)
            .ok_or_else(|| invalid("the envelope's signature does not verify"))
    }
}

/// A transaction's id: the hash of its signed bytes.
pub(crate) fn id(raw: &[u8]) -> B256 {
    keccak256(raw)
}

/// Reads a transaction's id.
pub(crate) fn parse_id(text: &str) -> Result<B256, Error> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 64);
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| invalid("a transaction's id is 0x and 64 hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{address, b256};

    use super::*;

    /// The example of EIP-155.
    fn example() -> Unsigned {
        Unsigned {
            chain_id: 1,
            nonce: 9,
            fees: Fees::Legacy { price: 20_000_000_000 },
            gas: 21_000,
            to: Some(address!("3535353535353535353535353535353535353535")),
            value: U256::from(1_000_000_000_000_000_000u64),
            data: Bytes::new(),
        }
    }

    #[test]
    fn the_example_of_eip_155_encodes_as_the_eip_says() {
        let signing =
            "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080";
        assert_eq!(hex::encode(example().signing_bytes()), signing);
        assert_eq!(
            keccak256(example().signing_bytes()),
            b256!("daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53")
        );
        let seal = Seal {
            r: U256::from_be_slice(&hex!("28ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276")),
            s: U256::from_be_slice(&hex!("67cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83")),
            parity: false,
        };
        let raw = example().sealed(seal);
        let expected = "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025\
            a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276\
            a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83";
        assert_eq!(hex::encode(&raw), expected.replace(char::is_whitespace, ""));
        assert_eq!(Signed::decode(&raw).unwrap(), Signed { unsigned: example(), seal });
    }

    /// From the execution API's tests (tests/eth_sendRawTransaction): what was sent, and the id that the node gave.
    const SENT: [(&str, &str); 2] = [
        (
            "02f892870c72dd9d5e883e018201f48401a2158b82ea60802ab73d602d80600a3d3981f3363d3d373d3d3d363d734d11c446473105a02b5c1ab9ebe9b03f33902a295af43d82803e903d91602b57fd5bf3c080a09e9f032e932e6536bc8de35b5939814d5fe2c1bcb76f06e399583c8c745ea95fa04fae7d7df659a70471ddfed6dba493a4f044a074a0bba6198bb6e2be0977b299",
            "0x549cfaca862ca59157260fbe13b7ecf5cc353eb22632d10efbe5cca743871ef3",
        ),
        (
            "f86c808401a213988261a894aa000000000000000000000000000000000000000a8255448718e5bb3abd109fa073fbe7ff7e74339e7cc61fb3cb3f7630cd3f1d5fef653d7297654b2d22894daea042a188d30f35f19408c73c803bc1e9e17ce129c457e31fd2a368b54507af2f4c",
            "0xb55b6dfd4ba0bb2b00283b0e84cda496c90bc7c5ae9025e07edc3a7fbaf6a269",
        ),
    ];

    #[test]
    fn transactions_that_a_node_took_are_taken_apart_and_sealed_the_same() {
        for (raw, expected) in SENT {
            let raw = hex::decode(raw).unwrap();
            let signed = Signed::decode(&raw).unwrap();
            assert_eq!(signed.unsigned.sealed(signed.seal), raw);
            assert_eq!(id(&raw), parse_id(expected).unwrap());
            assert_eq!(signed.unsigned.chain_id, 3_503_995_874_084_926);
        }
        let dynamic = Signed::decode(&hex::decode(SENT[0].0).unwrap()).unwrap().unsigned;
        assert_eq!((dynamic.nonce, dynamic.gas, dynamic.to), (1, 60_000, None));
        assert_eq!(dynamic.fees, Fees::Dynamic { tip: 500, cap: 27_399_563 });
    }

    #[test]
    fn decoding_is_strict() {
        let dynamic = Unsigned { fees: Fees::Dynamic { tip: 1, cap: 2 }, to: None, ..example() };
        for unsigned in [example(), dynamic] {
            let bytes = unsigned.signing_bytes();
            assert_eq!(Unsigned::decode(&bytes).unwrap(), unsigned);
            for end in 0..bytes.len() {
                assert!(Unsigned::decode(&bytes[..end]).is_err());
            }
            assert!(Unsigned::decode(&[bytes, vec![0]].concat()).is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_or_are_an_error(bytes: Vec<u8>) {
            let _ = Unsigned::decode(&bytes);
            let _ = Signed::decode(&bytes);
            let _ = Signed::decode(&[vec![2], bytes].concat());
        }

        #[test]
        fn what_is_sealed_is_taken_apart_again(
            nonce: u64, gas: u64, price: u128, tip: u128, data: Vec<u8>, value: u64, create: bool, dynamic: bool,
            parity: bool, r: u64, s: u64,
        ) {
            let unsigned = Unsigned {
                nonce,
                gas,
                fees: if dynamic { Fees::Dynamic { tip, cap: price } } else { Fees::Legacy { price } },
                data: data.into(),
                value: U256::from(value),
                to: if create { None } else { example().to },
                ..example()
            };
            let seal = Seal { r: U256::from(r), s: U256::from(s), parity };
            let decoded = Signed::decode(&unsigned.sealed(seal)).unwrap();
            proptest::prop_assert_eq!(decoded, Signed { unsigned: unsigned.clone(), seal });
            proptest::prop_assert_eq!(Unsigned::decode(&unsigned.signing_bytes()).unwrap(), unsigned);
        }
    }
}
