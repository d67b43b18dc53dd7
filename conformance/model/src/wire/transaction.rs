//! Transactions: what is signed, what is sent, and whose they are.

use adapter_sdk::types::{PublicKey, SignatureScheme, SigningInput, Sm2Message, Value};

use super::{Hash, Malformed, Reader, Wire, Writer, sha256, value};

/// What a signer signs: everything that has an effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The ledger's name.
    pub chain: String,
    /// The space on it: a chain of blocks with accounts and contracts of its own.
    pub space: String,
    /// How the sender signs.
    pub scheme: SignatureScheme,
    /// The sender's key, SEC1 uncompressed.
    pub point: Vec<u8>,
    /// The sender's certificate, as it came.
    pub certificate: Option<Vec<u8>>,
    /// How many transactions the sender had in the chain before.
    pub nonce: u64,
    /// The last block that may carry it.
    pub last_block: u64,
    /// The most units of work that it may use.
    pub units: u64,
    /// Paid for each unit used.
    pub price: u64,
    /// Currency sent along.
    pub amount: u128,
    /// Made from the salt, so that equal calls differ.
    pub mark: Hash,
    /// Of the private arguments that go beside it; see [`private_digest`].
    pub private: Option<Hash>,
    /// What is done.
    pub action: Action,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Runs a function of a contract, and gives it the amount.
    Invoke {
        /// Its address.
        contract: String,
        /// The function's signature, e.g. `add(integer)`.
        function: String,
        /// In the order of the signature.
        arguments: Vec<Value>,
    },
    /// Makes a contract, and gives it the amount.
    Deploy {
        /// For people.
        name: String,
        /// For people.
        version: String,
        /// The kind of contract, up to the first zero byte.
        code: Vec<u8>,
        /// Its functions; see the adapter's `abi`.
        abi: Option<String>,
        /// Of its making.
        arguments: Vec<Value>,
    },
    /// Gives an account the amount.
    Transfer {
        /// The account.
        to: String,
    },
    /// Admits an account to the space; for administrators.
    Admit {
        /// The account.
        account: String,
    },
    /// Makes a space; for administrators.
    OpenSpace {
        /// Its name.
        space: String,
    },
}

/// A transaction as it stands in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What was signed.
    pub body: Body,
    /// r and s; for secp256k1 with the parity (0 or 1) as 65th byte.
    pub signature: Vec<u8>,
}

/// A transaction with what goes to the node beside it, and not onto the ledger.
#[derive(Clone, PartialEq, Eq)]
pub struct Parcel {
    /// The transaction.
    pub transaction: Signed,
    /// Private arguments.
    pub private: Vec<(String, Vec<u8>)>,
}

/// A key's account on this ledger: `m` and 20 bytes of the SHA-256 of scheme and point, in hexadecimal.
#[must_use]
pub fn account_of(scheme: SignatureScheme, point: &[u8]) -> String {
    name('m', sha256(&[&[scheme as u8], point]))
}

/// The address of what this account's transaction with this nonce makes.
#[must_use]
pub fn contract_of(account: &str, nonce: u64) -> String {
    name('c', sha256(&[account.as_bytes(), &nonce.to_be_bytes()]))
}

/// Whether a text is spelt like an account: `m` and 40 lower-case hexadecimal digits.
#[must_use]
pub fn is_account(text: &str) -> bool {
    let digits = text.strip_prefix('m').unwrap_or_default();
    digits.len() == 40 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn name(kind: char, hash: Hash) -> String {
    let digits = hex::encode(hash);
    format!("{kind}{}", digits.get(..40).unwrap_or_default())
}

/// What the ledger keeps of private arguments. The mark keeps others from guessing them.
#[must_use]
pub fn private_digest(mark: &Hash, private: &[(String, Vec<u8>)]) -> Option<Hash> {
    let mut list = Writer::default();
    write_private(&mut list, private);
    (!private.is_empty()).then(|| sha256(&[b"private", mark, &list.done()]))
}

fn write_private(to: &mut Writer, private: &[(String, Vec<u8>)]) {
    to.list(private, |to, (name, value)| {
        to.text(name).bytes(value);
    });
}

impl Body {
    /// The transaction's id: the hash of what is signed, so that no second signature makes a second transaction.
    #[must_use]
    pub fn id(&self) -> Hash {
        sha256(&[&self.encode()])
    }

    /// The sender's account.
    #[must_use]
    pub fn sender(&self) -> String {
        account_of(self.scheme, &self.point)
    }

    /// What the sender signs.
    #[must_use]
    pub fn input(&self) -> SigningInput {
        let data = self.encode();
        match self.scheme {
            SignatureScheme::Sm2Sm3 => SigningInput::Sm2(Sm2Message { id: super::SM2_ID.to_vec(), data }),
            _ => SigningInput::Message(data),
        }
    }

    /// The sender's key.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        PublicKey { scheme: self.scheme, point: self.point.clone(), certificate: self.certificate.clone() }
    }
}

fn write_values(to: &mut Writer, values: &[Value]) {
    to.list(values, |to, item| {
        to.bytes(&value::encode(item));
    });
}

fn read_values(from: &mut Reader<'_>) -> Result<Vec<Value>, Malformed> {
    from.list(|from| value::decode(&from.bytes()?))
}

impl Action {
    fn write(&self, to: &mut Writer) {
        match self {
            Action::Invoke { contract, function, arguments } => {
                write_values(to.u8(0).text(contract).text(function), arguments);
            }
            Action::Deploy { name, version, code, abi, arguments } => {
                to.u8(1).text(name).text(version).bytes(code).option(abi.as_deref(), |to, abi| {
                    to.text(abi);
                });
                write_values(to, arguments);
            }
            Action::Transfer { to: account } => {
                to.u8(2).text(account);
            }
            Action::Admit { account } => {
                to.u8(3).text(account);
            }
            Action::OpenSpace { space } => {
                to.u8(4).text(space);
            }
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match from.u8()? {
            0 => Action::Invoke {
                contract: from.text()?,
                function: from.text()?,
                arguments: read_values(from)?,
            },
            1 => Action::Deploy {
                name: from.text()?,
                version: from.text()?,
                code: from.bytes()?,
                abi: from.option(Reader::text)?,
                arguments: read_values(from)?,
            },
            2 => Action::Transfer { to: from.text()? },
            3 => Action::Admit { account: from.text()? },
            4 => Action::OpenSpace { space: from.text()? },
            _ => return Err(Malformed("there is no such action")),
        })
    }
}

impl Wire for Body {
    const KIND: [u8; 2] = [b'B', 1];

    fn write(&self, to: &mut Writer) {
        to.text(&self.chain).text(&self.space).u8(self.scheme as u8).bytes(&self.point);
        to.option(self.certificate.as_deref(), |to, certificate| {
            to.bytes(certificate);
        });
        to.u64(self.nonce).u64(self.last_block).u64(self.units).u64(self.price).u128(self.amount);
        to.fixed(&self.mark).option(self.private, |to, digest| {
            to.fixed(&digest);
        });
        self.action.write(to);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (chain, space) = (from.text()?, from.text()?);
        let scheme = from.u8()?;
        let scheme = super::SCHEMES
            .into_iter()
            .find(|known| *known as u8 == scheme)
            .ok_or(Malformed("the ledger does not take keys of this scheme"))?;
        let point = from.bytes()?;
        if point.len() != 65 || point.first() != Some(&4) {
            return Err(Malformed("a key is an uncompressed point of 65 bytes"));
        }
        Ok(Body {
            chain,
            space,
            scheme,
            point,
            certificate: from.option(Reader::bytes)?,
            nonce: from.u64()?,
            last_block: from.u64()?,
            units: from.u64()?,
            price: from.u64()?,
            amount: from.u128()?,
            mark: from.fixed()?,
            private: from.option(Reader::fixed)?,
            action: Action::read(from)?,
        })
    }
}

impl Wire for Signed {
    const KIND: [u8; 2] = [b'T', 1];

    fn write(&self, to: &mut Writer) {
        to.bytes(&self.body.encode()).bytes(&self.signature);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Signed { body: Body::decode(&from.bytes()?)?, signature: from.bytes()? })
    }
}

impl Wire for Parcel {
    const KIND: [u8; 2] = [b'P', 1];

    fn write(&self, to: &mut Writer) {
        to.bytes(&self.transaction.encode());
        write_private(to, &self.private);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let transaction = Signed::decode(&from.bytes()?)?;
        let private = from.list(|from| Ok((from.text()?, from.bytes()?)))?;
        Ok(Parcel { transaction, private })
    }
}
