//! Endorsement policies, and the configuration's policies as messages.

use std::collections::BTreeSet;

use prost::Message as _;

use crate::proto::{
    common::{
        ImplicitMetaPolicy, ImplicitMetaRule, Policy, PolicyType, SignaturePolicy, SignaturePolicyEnvelope,
        signature_policy::{NOutOf, Type},
    },
    msp::{MspPrincipal, MspRole, MspRoleType, PrincipalClassification},
    peer::{ApplicationPolicy, application_policy},
};

/// Peers of how many organisations must have signed a transaction's result.
#[derive(Clone, Debug)]
pub struct EndorsementPolicy {
    /// How many.
    pub required: usize,
    /// Out of which.
    pub organisations: Vec<String>,
    /// Whether it is the channel's own, a majority, which the chaincode's definition refers to.
    pub by_reference: bool,
}

impl EndorsementPolicy {
    /// The channel's own policy: a majority of the organisations.
    #[must_use]
    pub fn majority(organisations: &[String]) -> Self {
        EndorsementPolicy {
            required: organisations.len() / 2 + 1,
            organisations: organisations.to_vec(),
            by_reference: true,
        }
    }

    /// So many of the organisations, whichever they are.
    #[must_use]
    pub fn any(required: usize, organisations: &[String]) -> Self {
        EndorsementPolicy { required, organisations: organisations.to_vec(), by_reference: false }
    }

    /// Whether peers of these organisations are enough.
    #[must_use]
    pub fn is_fulfilled(&self, signed: &BTreeSet<String>) -> bool {
        self.organisations.iter().filter(|organisation| signed.contains(*organisation)).count()
            >= self.required
    }

    /// The encoded `ApplicationPolicy` of a chaincode's definition.
    #[must_use]
    pub fn to_parameter(&self) -> Vec<u8> {
        let policy = if self.by_reference {
            application_policy::Type::ChannelConfigPolicyReference("/Channel/Application/Endorsement".into())
        } else {
            let principals =
                self.organisations.iter().map(|organisation| role(organisation, MspRoleType::Peer));
            application_policy::Type::SignaturePolicy(n_out_of(self.required, principals.collect()))
        };
        ApplicationPolicy { r#type: Some(policy) }.encode_to_vec()
    }
}

/// Somebody with a role in an organisation.
pub fn role(msp_id: &str, role: MspRoleType) -> MspPrincipal {
    let principal = MspRole { msp_identifier: msp_id.to_owned(), role: role as i32 }.encode_to_vec();
    MspPrincipal { principal_classification: PrincipalClassification::Role as i32, principal }
}

/// So many of these must sign.
pub fn n_out_of(required: usize, identities: Vec<MspPrincipal>) -> SignaturePolicyEnvelope {
    let signed_by = (0_i32..).take(identities.len());
    let rules = signed_by.map(|number| SignaturePolicy { r#type: Some(Type::SignedBy(number)) }).collect();
    let n = i32::try_from(required).unwrap_or(i32::MAX);
    let rule = SignaturePolicy { r#type: Some(Type::NOutOf(NOutOf { n, rules })) };
    SignaturePolicyEnvelope { version: 0, rule: Some(rule), identities }
}

/// A policy over signatures.
pub fn signature(policy: &SignaturePolicyEnvelope) -> Policy {
    Policy { r#type: PolicyType::Signature as i32, value: policy.encode_to_vec() }
}

/// Any one of these roles of an organisation.
pub fn any_role(msp_id: &str, roles: &[MspRoleType]) -> Policy {
    signature(&n_out_of(1, roles.iter().map(|one| role(msp_id, *one)).collect()))
}

/// A policy over the policies of the same name in the groups below.
pub fn implicit(name: &str, rule: ImplicitMetaRule) -> Policy {
    let value = ImplicitMetaPolicy { sub_policy: name.to_owned(), rule: rule as i32 }.encode_to_vec();
    Policy { r#type: PolicyType::ImplicitMeta as i32, value }
}
