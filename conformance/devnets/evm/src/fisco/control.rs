//! What test beds tell a node, at a port of its own.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{FiscoNode, Group};
use crate::rpc::{Answer, RpcError, Service};

/// The most blocks that one order makes.
const MAX_ADVANCE: u64 = 10_000;

/// The controls of a node, as JSON-RPC: `advance [blocks]`, `hold []`, `release []`, `prune [block]` and `fund […]`, each
/// with the name of a group at the end, or for all groups.
pub struct Controls {
    node: FiscoNode,
}

impl Controls {
    /// The controls of this node.
    #[must_use]
    pub fn new(node: FiscoNode) -> Self {
        Controls { node }
    }

    fn each(&self, group: Option<&Value>, mut act: impl FnMut(&mut Group)) -> Answer {
        let wanted = match group {
            None => None,
            Some(Value::String(name)) => Some(name.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(_) => return Err(RpcError::new(-32602, "a group is a name or a number")),
        };
        if let Some(wanted) = &wanted
            && self.node.group(wanted).is_none()
        {
            return Err(RpcError::new(-32602, format!("there is no group {wanted}")));
        }
        for id in self.node.group_ids() {
            if wanted.as_deref().is_none_or(|wanted| wanted == id)
                && let Some(mut group) = self.node.group(id)
            {
                act(&mut group);
            }
        }
        Ok(json!(true))
    }
}

#[async_trait]
impl Service for Controls {
    async fn answer(&self, method: &str, params: &Value) -> Answer {
        let number = || {
            let number = params.get(0).and_then(Value::as_u64);
            number.ok_or_else(|| RpcError::new(-32602, format!("{method} takes [number] or [number, group]")))
        };
        match method {
            "advance" => {
                let blocks = number()?;
                if blocks > MAX_ADVANCE {
                    let most = format!("at most {MAX_ADVANCE} blocks are made at a time");
                    return Err(RpcError::new(-32602, most));
                }
                self.each(params.get(1), |group| group.advance(blocks))
            }
            "prune" => {
                let below = number()?;
                self.each(params.get(1), |group| group.prune(below))
            }
            "hold" => self.each(params.get(0), Group::hold),
            "release" => self.each(params.get(0), Group::release),
            // Whoever has a key may write, and nothing is paid.
            "fund" => Ok(json!(true)),
            _ => Err(RpcError::new(
                -32601,
                format!("there is no control {method:?}; there are advance, hold, release, prune and fund"),
            )),
        }
    }
}
