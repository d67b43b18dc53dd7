//! What a client makes: signed transactions of both generations, for tests, load generators and benchmarks.

use adapter_spec::types::SigningInput;
use alloy_primitives::{Address, B256, Bytes, U256};
use berth_crypto::{SignError, SigningKey};

use super::{v2, v3};
use crate::suite::Suite;

/// Somebody who signs transactions.
pub struct Client {
    /// What they sign with; of the suite's scheme.
    pub key: SigningKey,
    /// The chain's cryptography.
    pub suite: Suite,
}

impl Client {
    /// r and s, 32 bytes each; and what stands beside them: the recovery id, or with SM2 the public point.
    fn sign(&self, hash: &B256) -> Result<(Vec<u8>, Vec<u8>), SignError> {
        let input = match self.suite {
            Suite::Standard => SigningInput::Digest(hash.to_vec()),
            Suite::Sm => SigningInput::Message(hash.to_vec()),
        };
        let signature = self.key.sign(&input)?;
        let beside = match signature.recovery_id {
            Some(id) => vec![id],
            None => self.key.public_key().point.into_iter().skip(1).collect(),
        };
        Ok((signature.bytes, beside))
    }

    /// A transaction of 2.x for the group 1 of the chain 1, encoded. To nobody: it makes a contract.
    ///
    /// # Errors
    /// When the key is none of the suite's.
    pub fn two(
        &self,
        random_id: u64,
        block_limit: U256,
        to: Option<Address>,
        input: &[u8],
    ) -> Result<Vec<u8>, SignError> {
        let mut fields = v2::transaction::Fields {
            random_id: U256::from(random_id),
            gas_price: U256::from(1),
            gas: U256::from(30_000_000),
            value: U256::ZERO,
            chain_id: U256::from(1),
            group_id: U256::from(1),
            extra_data: Bytes::new(),
            r: U256::ZERO,
            s: U256::ZERO,
            v: Vec::new(),
        };
        let unsigned = v2::transaction::unsigned(&fields, block_limit, to, input);
        let (signature, beside) = self.sign(&self.suite.hash(&unsigned))?;
        let (r, s) = signature.split_at(signature.len() / 2);
        (fields.r, fields.s, fields.v) = (U256::from_be_slice(r), U256::from_be_slice(s), beside);
        Ok(v2::transaction::signed(&fields, block_limit, to, input))
    }

    /// A transaction of 3.x with these fields, encoded.
    ///
    /// # Errors
    /// When the key is none of the suite's.
    pub fn three(&self, mut fields: v3::transaction::Fields) -> Result<Vec<u8>, SignError> {
        let (mut signature, beside) = self.sign(&fields.hash(self.suite))?;
        signature.extend(beside);
        fields.signature = signature;
        Ok(fields.encode(self.suite))
    }
}
