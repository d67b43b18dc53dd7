//! What the operator does: applications, participants, keys that exist already.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
};

use axum::http::StatusCode;
use berth_journal::MAX_PAGE_ENTRIES;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    application::{Application, ApplicationRecord, Order, Role, new_id, open},
    bill::Head,
    gateway::{APPLICATIONS, Gateway, not_written},
    lent::{self, LentSecrets},
    participants::{self, Participant},
    problem::Problem,
    usage::Usage,
    webhooks::{self, WebhookStanding},
};

/// How an application stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its writes that are under way.
    pub under_way: usize,
    /// The instances that it has to itself, since its load stays high; 0 where it shares with all.
    pub reserved_instances: usize,
    /// What it used.
    pub usage: Usage,
    /// Its webhooks.
    pub webhooks: Vec<WebhookStanding>,
}

impl Gateway {
    /// The applications as they are kept.
    #[must_use]
    pub fn applications(&self) -> Vec<Arc<ApplicationRecord>> {
        self.all().iter().map(|application| application.record()).collect()
    }

    /// An application as it is kept, and how it stands.
    #[must_use]
    pub fn application(&self, name: &str) -> Option<(Arc<ApplicationRecord>, Standing)> {
        let application = self.find(name)?;
        let standing = Standing {
            under_way: application.follower.open(),
            reserved_instances: application.meter.reserved(),
            usage: application.meter.usage(),
            webhooks: webhooks::standing(&application),
        };
        Some((application.record(), standing))
    }

    /// Creates an application. Its adapter opens it once, so that wrong settings and endpoints are told now.
    ///
    /// # Errors
    /// What does not fit.
    pub async fn create(&self, order: Order) -> Result<Arc<ApplicationRecord>, Problem> {
        self.create_with(order, LentSecrets::default()).await
    }

    /// The same, with secrets that it is lent.
    ///
    /// # Errors
    /// What does not fit.
    pub async fn create_with(
        &self,
        order: Order,
        secrets: LentSecrets,
    ) -> Result<Arc<ApplicationRecord>, Problem> {
        participants::check_name(&order.name).map_err(|why| Problem::invalid(format!("name: {why}")))?;
        let owner = self.shared.participants.get(&order.owner);
        if owner.is_none_or(|owner| owner.revoked.is_some()) {
            return Err(Problem::invalid(format!("owner: no participant {:?} is enrolled", order.owner)));
        }
        let offered = self.shared.ground.adapters.get(&order.adapter).ok_or_else(|| {
            let names = self.adapters().names();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Problem::invalid(format!(
                "adapter: {:?} is not admitted on this node; admitted: {names}",
                order.adapter
            ))
        })?;
        let permitted = self.adapters().permitted().check(&offered.descriptor);
        permitted.map_err(|why| Problem::invalid(format!("adapter: {why}")))?;
        let record = ApplicationRecord {
            id: new_id(&order.name)?,
            created: Timestamp::now(),
            suspended: None,
            members: BTreeMap::from([(order.owner.clone(), BTreeSet::from(Role::ALL))]),
            order,
        };
        if secrets.endpoints.keys().any(|place| *place >= record.order.endpoints.len()) {
            return Err(Problem::invalid("secrets: there are more endpoints than in the order"));
        }
        open(&record, &secrets, &offered, &self.shared.ground).await?;
        lent::keep(&self.shared.records, &self.shared.master, &record.id, &secrets).await?;
        let place = format!("{APPLICATIONS}{}", record.order.name);
        let added = self.shared.records.add(&place, &record).await.map_err(not_written)?;
        if !added {
            lent::remove(&self.shared.records, &record.id).await.map_err(not_written)?;
            return Err(Problem::from(adapter_spec::types::Error::new(
                adapter_spec::types::ErrorCode::AlreadyExists,
                format!("there is an application {:?} already", record.order.name),
            )));
        }
        let application = Application::new(record, Arc::new(secrets), Head::default(), Usage::default());
        self.remember(application.clone());
        Ok(application.record())
    }

    /// Changes an application's record.
    pub(crate) async fn change(
        &self,
        application: &Application,
        change: impl FnOnce(&mut ApplicationRecord) -> Result<(), Problem>,
    ) -> Result<Arc<ApplicationRecord>, Problem> {
        let _one = application.changing.lock().await;
        self.change_alone(application, change).await
    }

    /// The same where nobody else changes it meanwhile.
    async fn change_alone(
        &self,
        application: &Application,
        change: impl FnOnce(&mut ApplicationRecord) -> Result<(), Problem>,
    ) -> Result<Arc<ApplicationRecord>, Problem> {
        // Who waited while it was removed must not put it back, in the place of another of its name perhaps.
        if self.by_id(&application.id).is_none() {
            return Err(Problem::no_application());
        }
        let mut record = (*application.record()).clone();
        change(&mut record)?;
        let place = format!("{APPLICATIONS}{}", record.order.name);
        self.shared.records.put(&place, &record).await.map_err(not_written)?;
        let record = Arc::new(record);
        *application.record.write().unwrap_or_else(PoisonError::into_inner) = record.clone();
        Ok(record)
    }

    /// Suspends an application: its calls are refused, what is under way is followed to its end. None takes it up again.
    ///
    /// # Errors
    /// Where there is none, or the store fails.
    pub async fn suspend(
        &self,
        name: &str,
        reason: Option<String>,
    ) -> Result<Arc<ApplicationRecord>, Problem> {
        let application = self.find(name).ok_or_else(Problem::no_application)?;
        self.change(&application, |record| {
            record.suspended = reason;
            Ok(())
        })
        .await
    }

    /// Removes an application with its keys, secrets, webhooks and its adapter's state. Refused while transactions of it are under way.
    ///
    /// # Errors
    /// Where there is none, something is under way, or the store fails.
    pub async fn remove(&self, name: &str) -> Result<(), Problem> {
        let application = self.find(name).ok_or_else(Problem::no_application)?;
        let _one = application.changing.lock().await;
        let suspended = self
            .change_alone(&application, |record| {
                record.suspended = Some("it is being removed".into());
                Ok(())
            })
            .await?;
        let (mut under_way, mut from) = (application.follower.open(), None);
        while under_way == 0 {
            let open =
                self.shared.journal.unsettled(&application.id, from.as_ref(), MAX_PAGE_ENTRIES).await?;
            under_way = open.entries.iter().filter(|entry| entry.state.signed().is_some()).count();
            from = open.next;
            if from.is_none() {
                break;
            }
        }
        if under_way > 0 {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "under-way",
                "Transactions are under way",
                format!("{under_way} transactions of it may still take effect; it is suspended now: try again once they are settled"),
            )
            .retryable());
        }
        webhooks::remove_all(&self.shared, &application).await.map_err(not_written)?;
        self.shared.keys.remove_all(&suspended.id).await.map_err(not_written)?;
        lent::remove(&self.shared.records, &suspended.id).await.map_err(not_written)?;
        self.account_for(&application).await;
        self.shared.bills.forget_note(&application.id).await.map_err(not_written)?;
        self.shared.records.remove(&format!("{APPLICATIONS}{name}")).await.map_err(not_written)?;
        self.shared.by_id.write().unwrap_or_else(PoisonError::into_inner).remove(&application.id);
        {
            let mut applications = self.shared.applications.write().unwrap_or_else(PoisonError::into_inner);
            // Another of its name may have been created by now.
            if applications.get(name).is_some_and(|found| found.id == application.id) {
                applications.remove(name);
            }
        }
        // Last: a call that still ran would have written some of it anew.
        self.shared.ground.state.forget(&application.id).await.map_err(|error| {
            tracing::error!(application = %application.id, %error, "a removed application's state stays in the store");
            Problem::trouble("it is removed, but its adapter's state stays in the node's store, out of everybody's reach")
        })
    }

    /// Puts a key into trust that was made elsewhere: 32 bytes, for a member of an application that has none of this scheme
    /// there yet. False where there is one.
    ///
    /// # Errors
    /// Where there is no such application or member, or the bytes are no key.
    pub async fn import_key(
        &self,
        application: &str,
        participant: &str,
        scheme: adapter_spec::types::SignatureScheme,
        bytes: &[u8],
    ) -> Result<bool, Problem> {
        let application = self.find(application).ok_or_else(Problem::no_application)?;
        if application.roles(participant).is_empty() {
            return Err(Problem::invalid(format!("{participant:?} is no member of this application")));
        }
        self.shared.keys.import(&application.id, participant, scheme, bytes).await
    }

    /// Everybody who was ever enrolled.
    #[must_use]
    pub fn participants(&self) -> Vec<Participant> {
        self.shared.participants.all()
    }

    /// Enrols a participant from a certificate signing request in PEM. Gives the record and the certificate in PEM. Whoever
    /// has a certificate already gets another; the old one is no longer taken.
    ///
    /// # Errors
    /// What is wrong with the name or the request.
    pub async fn enrol(
        &self,
        name: &str,
        request_pem: &str,
        days: u32,
    ) -> Result<(Participant, String), Problem> {
        let enrolled = self.shared.authority.enrol(request_pem, name, days, Timestamp::now());
        let enrolled = enrolled.map_err(|error| Problem::invalid(error.to_string()))?;
        let participant = self.shared.participants.enrol(name, &enrolled).await.map_err(not_written)?;
        Ok((participant, enrolled.certificate_pem))
    }

    /// Revokes a participant's certificate.
    ///
    /// # Errors
    /// Where there is no such participant, or the store fails.
    pub async fn revoke(&self, name: &str, reason: &str) -> Result<Participant, Problem> {
        let revoked = self.shared.participants.revoke(name, reason).await.map_err(not_written)?;
        revoked.ok_or_else(|| Problem::invalid(format!("no participant {name:?} is enrolled")))
    }

    /// The authority's certificate in PEM, which clients trust.
    #[must_use]
    pub fn authority_pem(&self) -> &str {
        self.shared.authority.certificate_pem()
    }
}
