//! Whether signers satisfy a policy of a channel's configuration (`common/policies`, `common/cauthdsl`).

use prost::Message as _;

use crate::{
    channel::Signer,
    proto::{
        common::{
            ImplicitMetaPolicy, ImplicitMetaRule, Policy, PolicyType, SignaturePolicy,
            SignaturePolicyEnvelope, signature_policy::Type,
        },
        configuration::ConfigGroup,
        msp::{MspPrincipal, MspRole, MspRoleType, OrganizationUnit, PrincipalClassification},
    },
};

/// The deepest that policies refer to each other, and rules hold others.
const DEEPEST: u32 = 16;

/// Whether the group has the policy.
pub(crate) fn exists(group: &ConfigGroup, name: &str) -> bool {
    group.policies.contains_key(name)
}

/// Whether the signers satisfy the group's policy of this name. What does not decode is not satisfied.
pub(crate) fn is_satisfied(group: &ConfigGroup, name: &str, signers: &[Signer<'_>]) -> bool {
    within(group, name, signers, 0)
}

fn within(group: &ConfigGroup, name: &str, signers: &[Signer<'_>], depth: u32) -> bool {
    let policy = group.policies.get(name).and_then(|policy| policy.policy.as_ref());
    match policy {
        Some(policy) if depth < DEEPEST => one(group, policy, signers, depth).unwrap_or(false),
        _ => false,
    }
}

fn one(group: &ConfigGroup, policy: &Policy, signers: &[Signer<'_>], depth: u32) -> Option<bool> {
    match PolicyType::try_from(policy.r#type).ok()? {
        PolicyType::Signature => {
            let envelope = SignaturePolicyEnvelope::decode(policy.value.as_slice()).ok()?;
            let mut used = vec![false; signers.len()];
            Some(rule(envelope.rule.as_ref()?, &envelope.identities, signers, &mut used, 0))
        }
        PolicyType::ImplicitMeta => {
            let meta = ImplicitMetaPolicy::decode(policy.value.as_slice()).ok()?;
            let total = group.groups.len();
            let wanted = match ImplicitMetaRule::try_from(meta.rule).ok()? {
                ImplicitMetaRule::Any => 1,
                ImplicitMetaRule::All => total,
                ImplicitMetaRule::Majority => total / 2 + 1,
            };
            let satisfied = group
                .groups
                .values()
                .filter(|group| within(group, &meta.sub_policy, signers, depth + 1))
                .count();
            // Of no groups nobody has agreed.
            Some(total > 0 && satisfied >= wanted)
        }
        PolicyType::Unknown | PolicyType::Msp => None,
    }
}

/// One rule; each signer counts once.
fn rule(
    policy: &SignaturePolicy,
    principals: &[MspPrincipal],
    signers: &[Signer<'_>],
    used: &mut Vec<bool>,
    depth: u32,
) -> bool {
    match &policy.r#type {
        Some(Type::SignedBy(place)) => {
            let principal = usize::try_from(*place).ok().and_then(|place| principals.get(place));
            let Some(principal) = principal else { return false };
            for (signer, used) in signers.iter().zip(used.iter_mut()) {
                if !*used && fits(signer, principal).unwrap_or(false) {
                    *used = true;
                    return true;
                }
            }
            false
        }
        Some(Type::NOutOf(all)) if depth < DEEPEST => {
            let mut satisfied = 0;
            for one in &all.rules {
                let mut tried = used.clone();
                if rule(one, principals, signers, &mut tried, depth + 1) {
                    satisfied += 1;
                    *used = tried;
                }
            }
            satisfied >= all.n && all.n > 0
        }
        Some(Type::NOutOf(_)) | None => false,
    }
}

fn fits(signer: &Signer<'_>, principal: &MspPrincipal) -> Option<bool> {
    let bytes = principal.principal.as_slice();
    Some(match PrincipalClassification::try_from(principal.principal_classification).ok()? {
        PrincipalClassification::Role => {
            let role = MspRole::decode(bytes).ok()?;
            role.msp_identifier == signer.identity.msp
                && signer.msp.has_role(&signer.identity.certificate, MspRoleType::try_from(role.role).ok()?)
        }
        PrincipalClassification::OrganizationUnit => {
            let unit = OrganizationUnit::decode(bytes).ok()?;
            unit.msp_identifier == signer.identity.msp
                && signer.identity.certificate.units.contains(&unit.organizational_unit_identifier)
        }
        PrincipalClassification::Identity => *bytes == signer.identity.serialized,
        PrincipalClassification::Anonymity | PrincipalClassification::Combined => false,
    })
}
