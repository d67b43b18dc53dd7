//! What an adapter says of itself.

use adapter_spec::types::{Descriptor, EndpointNeed, Finality};
use serde_json::Value as Json;

use super::{Sheet, bytes, grouped, scheme, transport};

/// The most columns for the names of settings.
const MAX_LABELS: usize = 24;

/// All of a descriptor.
pub(crate) fn descriptor(sheet: &mut Sheet, descriptor: &Descriptor) {
    sheet.field("framework", &framework(descriptor));
    sheet.field(
        "participants",
        if descriptor.permissioned { "admitted to the ledger by its operators" } else { "anybody" },
    );
    let schemes: Vec<_> = descriptor.schemes.iter().map(|one| scheme(*one)).collect();
    sheet.field("keys", &or_none(&schemes.join(", ")));
    let signs = match &descriptor.signs_digests {
        None => "messages, never bare digests".into(),
        Some(reason) => format!("digests: {reason}"),
    };
    sheet.field("signs", &signs);
    sheet.field("finality", &finality(&descriptor.finality));
    let order = if descriptor.ordered_accounts { "one at a time" } else { "side by side" };
    sheet.field("calls", &format!("of one account {order}, from begin to send"));
    sheet.field("payload", &format!("at most {} bytes in one call", grouped(descriptor.max_payload.into())));
    sheet.field("capabilities", &or_none(&descriptor.capabilities.join(", ")));
    for extension in &descriptor.extensions {
        sheet.field(&extension.key, &bytes(&extension.value));
    }

    sheet.gap();
    sheet.line("Endpoints that it needs (lend them with --endpoint NAME=URL)");
    for need in &descriptor.endpoints {
        endpoint(sheet, need);
    }
    if descriptor.endpoints.is_empty() {
        sheet.line("  none");
    }

    sheet.gap();
    sheet.line("Service keys that it needs");
    for key in &descriptor.service_keys {
        sheet.sub_field(&key.name, &format!("{}: {}", scheme(key.scheme), key.purpose));
    }
    if descriptor.service_keys.is_empty() {
        sheet.line("  none");
    }

    sheet.gap();
    sheet.line("Settings (give them with --settings; * must be given)");
    settings(sheet, &descriptor.settings_schema);
}

fn framework(descriptor: &Descriptor) -> String {
    match descriptor.framework_versions.as_slice() {
        [] => descriptor.framework.clone(),
        versions => format!("{}: {}", descriptor.framework, versions.join(", ")),
    }
}

fn finality(finality: &Finality) -> String {
    match finality {
        Finality::Immediate => "at once: a block that exists stays".into(),
        Finality::Depth(depth) => format!("under {depth} blocks, its own included"),
        Finality::Announced => "when the ledger announces it".into(),
    }
}

fn endpoint(sheet: &mut Sheet, need: &EndpointNeed) {
    let required = if need.required { "required" } else { "may be left away" };
    let many = if need.many { ", several may be lent" } else { "" };
    sheet
        .sub_field(&need.name, &format!("{}, {required}{many}: {}", transport(need.transport), need.purpose));
    sheet.sub_field("", &format!("reads with {}", or_none(&need.reads.join(", "))));
}

/// The properties of a JSON Schema, one after the other.
fn settings(sheet: &mut Sheet, schema: &str) {
    // The host has checked that it is a JSON object.
    let schema: Json = serde_json::from_str(schema).unwrap_or_default();
    let required = schema.get("required").and_then(Json::as_array).cloned().unwrap_or_default();
    let properties = schema.get("properties").and_then(Json::as_object);
    let names = properties.into_iter().flatten().map(|(name, _)| name.chars().count() + 2);
    let labels = names.max().unwrap_or_default().min(MAX_LABELS);
    for (name, property) in properties.into_iter().flatten() {
        let star = if required.iter().any(|one| one == name) { " *" } else { "" };
        let mut parts = vec![kind(property)];
        parts.extend(property.get("default").map(|default| format!("default {default}")));
        let text = |key: &str| property.get(key).and_then(Json::as_str);
        parts.extend(text("description").map(str::to_owned));
        sheet.wide_field(labels, &format!("{name}{star}"), &parts.join("; "));
    }
    if properties.is_none_or(serde_json::Map::is_empty) {
        sheet.line("  none");
    }
}

/// What a property takes, as far as its schema says it simply.
fn kind(property: &Json) -> String {
    if let Some(choices) = property.get("enum").and_then(Json::as_array) {
        return choices.iter().map(Json::to_string).collect::<Vec<_>>().join(" or ");
    }
    if let Some(choices) = property.get("oneOf").and_then(Json::as_array) {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    if let Some(only) = property.get("const") {
        return only.to_string();
    }
    if let Some(inner) = property.get("properties").and_then(Json::as_object) {
        let inner: Vec<_> = inner.iter().map(|(name, one)| format!("\"{name}\": {}", kind(one))).collect();
        return format!("{{{}}}", inner.join(", "));
    }
    let kind = property.get("type").and_then(Json::as_str).unwrap_or("any JSON");
    match (property.get("minimum"), property.get("maximum")) {
        (Some(least), Some(most)) => format!("{kind}, {least} to {most}"),
        (Some(least), None) => format!("{kind}, {least} or more"),
        (None, Some(most)) => format!("{kind}, {most} or less"),
        (None, None) => kind.into(),
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "none".into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_schema_becomes_one_entry_for_each_setting() {
        let schema = r#"{"required": ["chain"], "properties": {
            "chain": {"type": "integer", "minimum": 1, "maximum": 9, "description": "which one"},
            "kind": {"enum": ["old", "new"], "default": "new"},
            "end": {"oneOf": [{"const": "announced"}, {"properties": {"depth": {"type": "integer"}}}]}}}"#;
        let mut sheet = Sheet::default();
        settings(&mut sheet, schema);
        let text = sheet.into_text();
        assert!(text.contains("chain *"), "{text}");
        assert!(text.contains("integer, 1 to 9; which one"), "{text}");
        assert!(text.contains("\"old\" or \"new\"; default \"new\""), "{text}");
        assert!(text.contains("\"announced\" or {\"depth\": integer}"), "{text}");
        let mut sheet = Sheet::default();
        settings(&mut sheet, "{}");
        assert_eq!(sheet.into_text(), "  none\n");
    }
}
