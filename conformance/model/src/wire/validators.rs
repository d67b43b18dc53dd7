//! Who answers for blocks.

use adapter_sdk::types::{PublicKey, SignatureScheme, SigningInput};

use super::{Hash, Malformed, Reader, Wire, Writer};

/// The keys that sign final headers of a space, and how many of them make a quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The ledger's name.
    pub chain: String,
    /// The space.
    pub space: String,
    /// How many signatures by different keys it takes.
    pub quorum: u8,
    /// Points of P-256 keys.
    pub points: Vec<Vec<u8>>,
}

/// What a verifier of proofs trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Who signs headers.
    pub validators: Validators,
    /// The address of the preset contract that claims of preset values are about.
    pub preset: String,
}

/// What a validator signs of a header.
#[must_use]
pub fn attested(header: &Hash) -> SigningInput {
    SigningInput::Message([b"final header ".as_slice(), header].concat())
}

impl Validators {
    /// One of the keys.
    #[must_use]
    pub fn key(&self, index: u8) -> Option<PublicKey> {
        let point = self.points.get(usize::from(index))?.clone();
        Some(PublicKey { scheme: SignatureScheme::EcdsaP256Sha256, point, certificate: None })
    }
}

impl Wire for Validators {
    const KIND: [u8; 2] = [b'V', 1];

    fn write(&self, to: &mut Writer) {
        to.text(&self.chain).text(&self.space).u8(self.quorum).list(&self.points, |to, point| {
            to.bytes(point);
        });
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let validators = Validators {
            chain: from.text()?,
            space: from.text()?,
            quorum: from.u8()?,
            points: from.list(Reader::bytes)?,
        };
        if validators.quorum == 0 || usize::from(validators.quorum) > validators.points.len() {
            return Err(Malformed("a quorum is of at least one validator and at most all"));
        }
        if validators.points.iter().any(|point| point.len() != 65 || point.first() != Some(&4)) {
            return Err(Malformed("a validator's key is an uncompressed point of 65 bytes"));
        }
        Ok(validators)
    }
}

impl Wire for Anchor {
    const KIND: [u8; 2] = [b'A', 1];

    fn write(&self, to: &mut Writer) {
        to.bytes(&self.validators.encode()).text(&self.preset);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Anchor { validators: Validators::decode(&from.bytes()?)?, preset: from.text()? })
    }
}
