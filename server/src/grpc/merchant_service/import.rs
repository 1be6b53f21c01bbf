//! `ImportMerchants`: many merchants, each stored or rejected on its own.

use std::{collections::VecDeque, time::Duration};

use nearby_index::{Merchant, StoredMerchant};
use nearby_proto::v1::{
    self as wire, ImportMerchantsRequest, ImportMerchantsResponse, ImportOutcome, ImportRow, ImportState,
    ImportViolation,
};
use prost::Message;
use tonic::{Status, Streaming};

use crate::grpc::{
    convert::{
        ImportMasks, MAX_ROWS_PER_MESSAGE, hours_are_known, id_from_name, is_null_island, merchant_from_wire,
        service_vertices_of, too_many_in_message,
    },
    cost,
    middleware::error_details::with_details,
    request_context::RequestContext,
};
use crate::{
    commit::{Committed, Submitted, WriteOptions},
    error::{ServiceError, Violation},
    overload::slice,
    reason::{self, Reason},
    record::{self, FieldSet},
    service::Service,
};

/// Rows of one call, so that its response stays below the 4 MiB that clients accept by default.
const MAX_ROWS: usize = 10_000;
/// Violations that are reported per row.
const MAX_VIOLATIONS_PER_ROW: usize = 8;
/// Bytes of violations in one response. Beyond them, a row is reported with its first field and reason only: 10,000 such rows
/// are another megabyte.
const MAX_VIOLATION_BYTES: usize = 2 * 1024 * 1024;
/// Messages of one call whose rows are being committed at the same time, in order.
const MAX_IN_PROGRESS: usize = 3;
/// Longest wait of a call for nodes that are behind: a call of 10,000 rows still ends within its usual deadline of a minute.
const MAX_WAIT_FOR_PEERS: Duration = Duration::from_secs(10);

pub(super) async fn import(
    service: &Service,
    mut messages: Streaming<ImportMerchantsRequest>,
    context: &RequestContext,
) -> Result<ImportMerchantsResponse, Status> {
    let mut response = ImportMerchantsResponse::default();
    let mut bytes_left = MAX_VIOLATION_BYTES;
    let (mut rows, mut in_progress) = (0, VecDeque::new());
    let mut patience = MAX_WAIT_FOR_PEERS;
    while let Some(message) = messages.message().await.map_err(with_details)? {
        if message.rows.len() > MAX_ROWS_PER_MESSAGE {
            return Err(too_many_in_message("rows", MAX_ROWS_PER_MESSAGE).into());
        }
        // A client that sends messages without rows must not hold the thread.
        slice::yield_if_over().await;
        rows += message.rows.len().max(1);
        if rows > MAX_ROWS {
            let description = format!(
                "must be at most {MAX_ROWS} in one call; earlier rows are stored, send the rest in another call"
            );
            return Err(ServiceError::invalid("rows", reason::TOO_MANY, description).into());
        }
        // As a debt: half an import is of no use.
        context.charges.add_debt(cost::IMPORT_ROW * message.rows.len());
        if let Some(cluster) = service.cluster.as_ref().filter(|_| !message.validate_only) {
            patience = patience.saturating_sub(cluster.wait_for_slow_peers(patience).await);
        }
        in_progress.push_back(Rows::submit(service, message, context).await?);
        // The next rows are read and checked while these become durable.
        if in_progress.len() == MAX_IN_PROGRESS
            && let Some(first) = in_progress.pop_front()
        {
            first.finish(&mut response, &mut bytes_left).await?;
        }
    }
    for rows in in_progress {
        rows.finish(&mut response, &mut bytes_left).await?;
    }
    Ok(response)
}

/// The rows of one message, submitted.
struct Rows {
    outcomes: Vec<ImportOutcome>,
    /// The positions of the valid rows.
    valid_at: Vec<usize>,
    submitted: Submitted,
    /// True if the rows are only checked.
    validate_only: bool,
}

/// The effect of a row.
struct Effect {
    state: ImportState,
    /// The source of the merchant before, if it is another one now.
    previous_source: String,
}

impl Effect {
    fn of(before: Option<&StoredMerchant>, after: &Merchant) -> Self {
        let Some(StoredMerchant { merchant: before, .. }) = before else {
            return Self { state: ImportState::Created, previous_source: String::new() };
        };
        let is_same = record::is_same(before, after);
        let state = if is_same { ImportState::Unchanged } else { ImportState::Updated };
        let previous_source =
            Some(record::source_of(before)).filter(|source| *source != record::source_of(after));
        Self { state, previous_source: previous_source.unwrap_or_default().to_owned() }
    }

    fn of_committed(committed: &Committed) -> Self {
        match committed.stored() {
            Some(stored) => Self::of(committed.before.as_deref(), &stored.merchant),
            None => Self { state: ImportState::Unspecified, previous_source: String::new() },
        }
    }
}

impl Rows {
    async fn submit(
        service: &Service,
        message: ImportMerchantsRequest,
        context: &RequestContext,
    ) -> Result<Self, ServiceError> {
        let mut outcomes = Vec::with_capacity(message.rows.len());
        let mut merchants = Vec::with_capacity(message.rows.len());
        let mut valid_at = Vec::with_capacity(message.rows.len());
        let masks = ImportMasks::from_wire(&message.update_masks)?;
        for (at, row) in message.rows.into_iter().enumerate() {
            slice::yield_if_over().await;
            let row_number = row.row_number;
            let mask = masks.get(row.update_mask_index, at)?;
            context.charges.add_debt(cost::vertices(service_vertices_of(row.merchant.as_ref())));
            let fields = row.merchant.as_ref().map_or(mask, |merchant| known_fields(mask, merchant));
            let (state, violations) = match check_row(row, message.allow_null_island) {
                Ok(merchant) => {
                    merchants.push((merchant, fields));
                    valid_at.push(at);
                    (ImportState::Unspecified, Vec::new())
                }
                Err(error) => (ImportState::Rejected, violations(error)?),
            };
            let state = state.into();
            outcomes.push(ImportOutcome { row_number, state, violations, ..Default::default() });
        }
        let validate_only = message.validate_only;
        if !validate_only {
            // Recorded before they are committed: they may be even if the call ends early.
            context.add_audit_subjects(merchants.iter().map(|(merchant, _)| &merchant.id));
        }
        let options = WriteOptions { scope: context.scope().cloned(), validate_only };
        let submitted = service.import(merchants, &options).await?;
        Ok(Self { outcomes, valid_at, submitted, validate_only })
    }

    /// Waits until they are committed, and adds their outcomes to the response.
    async fn finish(
        mut self,
        response: &mut ImportMerchantsResponse,
        bytes_left: &mut usize,
    ) -> Result<(), ServiceError> {
        let results = self.submitted.results().await?;
        if !self.validate_only {
            let last = results.iter().flatten().map(|committed| committed.change.revision().0).max();
            response.revision = response.revision.max(last.unwrap_or_default());
        }
        for (at, result) in self.valid_at.into_iter().zip(results) {
            let outcome = &mut self.outcomes[at];
            match result.map(|committed| Effect::of_committed(&committed)) {
                Ok(Effect { state, previous_source }) => {
                    outcome.state = state.into();
                    outcome.previous_source = previous_source;
                }
                // The row is valid, but not together with the fields that the merchant keeps.
                Err(error) => {
                    outcome.violations = violations(error)?;
                    outcome.state = ImportState::Rejected.into();
                }
            }
        }
        self.outcomes.iter_mut().for_each(|outcome| shorten(outcome, bytes_left));
        response.outcomes.append(&mut self.outcomes);
        Ok(())
    }
}

/// Shortens the violations of a row to the bytes that are left.
fn shorten(outcome: &mut ImportOutcome, bytes_left: &mut usize) {
    outcome.violations.truncate(MAX_VIOLATIONS_PER_ROW);
    let bytes: usize = outcome.violations.iter().map(Message::encoded_len).sum();
    if bytes <= *bytes_left {
        *bytes_left -= bytes;
        return;
    }
    outcome.violations.truncate(1);
    for violation in &mut outcome.violations {
        violation.description.clear();
        violation.field = violation.field.chars().take(64).collect();
    }
}

/// The fields that a row replaces; `None` for all. An unspecified visibility does not replace that of the merchant, and neither does
/// a time zone alone replace hours that a mask names.
fn known_fields(mask: Option<FieldSet>, merchant: &wire::Merchant) -> Option<FieldSet> {
    let states_hours = |hours: &wire::OpeningHours| hours_are_known(hours) || !hours.display_text.is_empty();
    let has_hours = merchant.opening_hours.as_ref().is_some_and(states_hours);
    let mask = mask.map(|mask| if has_hours { mask } else { mask.without("opening_hours") });
    if merchant.visibility == i32::from(wire::Visibility::Unspecified) {
        return Some(mask.unwrap_or_else(FieldSet::all).without("visibility"));
    }
    mask
}

fn check_row(row: ImportRow, allow_null_island: bool) -> Result<Merchant, ServiceError> {
    let given = row
        .merchant
        .ok_or_else(|| ServiceError::invalid("", reason::REQUIRED, "a merchant must be given"))?;
    let id = id_from_name(&given.name, "name")?;
    let merchant = merchant_from_wire(given, id, "")?;
    if is_null_island(merchant.position) && !allow_null_island {
        return Err(ServiceError::invalid(
            "position",
            reason::NULL_ISLAND,
            "is exactly 0,0, which nearly always means an unknown position; set allow_null_island if it is correct",
        ));
    }
    Ok(merchant)
}

/// The violations of a row. Any other error is not the row's, and ends the import.
fn violations(error: ServiceError) -> Result<Vec<ImportViolation>, ServiceError> {
    let violations = match error {
        ServiceError::Invalid(violations) => violations,
        ServiceError::NotInScope(_) => vec![of_name(reason::KEY_LIMITED, &error)],
        ServiceError::ReviewPending(_) => vec![of_name(reason::REVIEW_PENDING, &error)],
        other => return Err(other),
    };
    let to_wire = |Violation { field, reason, description }| ImportViolation {
        field,
        reason: reason.as_str().to_owned(),
        description,
    };
    Ok(violations.into_iter().map(to_wire).collect())
}

/// The violation of a row whose merchant the caller cannot change.
fn of_name(reason: Reason, error: &ServiceError) -> Violation {
    Violation { field: "name".to_owned(), reason, description: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::Full;
    use nearby_cluster::{
        announcement::NodeState,
        identity::{ClusterId, NodeName},
        protocol::{Counters, Status},
        replica::Position,
    };
    use nearby_index::Revision;
    use nearby_store::MemoryStore;
    use tokio::{sync::Semaphore, time::timeout};
    use tonic::codec::Codec;
    use tonic_prost::ProstCodec;

    use super::*;
    use crate::{
        clock::{self, ManualClock},
        cluster::{ClusterView, view::ClusterState},
        commit::{CommitThread, tests::start_with},
        opening_hours::HolidayCalendar,
        page_token::PageTokens,
        record::fixtures,
        watch_registry::WatchRegistry,
    };

    /// A service that commits alone, and takes what it knows of a cluster from a view.
    fn service(view: &ClusterView) -> (Service, CommitThread) {
        let empty = MemoryStore::default();
        let (commits, thread, reader, feed, _) = start_with(empty.clone(), &empty, clock::system());
        let service = Service {
            reader,
            commits,
            feed,
            watches: WatchRegistry::default(),
            tokens: PageTokens::ephemeral().unwrap(),
            calendar: HolidayCalendar::built_in().into(),
            backups: Arc::new(Semaphore::new(1)),
            last_backup_s: Arc::default(),
            cluster: Some(view.clone()),
        };
        (service, thread)
    }

    fn state(slow_peers: Vec<NodeName>) -> ClusterState {
        let status = Status {
            state: NodeState::Serving,
            fault: None,
            position: Position::START,
            lag: 0,
            in_flight: None,
            clock_offset: 0,
            has_lost_redundancy: false,
            counters: Counters::default(),
        };
        ClusterState {
            status,
            revision: Revision(0),
            max_format: 1,
            blocked: None,
            log: None,
            has_leader: true,
            leader_changes: 0,
            unwritable: Duration::ZERO,
            slow_peers,
            peers: Vec::new(),
        }
    }

    /// The messages of a call, as they arrive.
    fn stream_of(request: &ImportMerchantsRequest) -> Streaming<ImportMerchantsRequest> {
        let message = request.encode_to_vec();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let body = Full::new(Bytes::from([[0].as_slice(), &length, &message].concat()));
        let decoder = ProstCodec::<(), ImportMerchantsRequest>::default().decoder();
        Streaming::new_request(decoder, body, None, None)
    }

    #[tokio::test]
    async fn nothing_is_committed_while_a_peer_is_slow() {
        let names = (String::new(), String::new());
        let node = NodeName::parse("a").unwrap();
        let view = ClusterView::new(ClusterId([1; 16]), node, names, ManualClock::default().monotonic());
        view.set_state(state(vec![NodeName::parse("b").unwrap()]), true);
        let (service, _thread) = service(&view);
        let row = ImportRow { row_number: 1, merchant: Some(fixtures::cafe()), ..Default::default() };
        let request = ImportMerchantsRequest { rows: vec![row], ..Default::default() };
        let trial = ImportMerchantsRequest { validate_only: true, ..request.clone() };
        let context = RequestContext::of(&tonic::Request::new(()));
        // A wait that does not end ends after `MAX_WAIT_FOR_PEERS`.
        let limit = MAX_WAIT_FOR_PEERS / 2;
        let tried = timeout(limit, import(&service, stream_of(&trial), &context)).await.unwrap().unwrap();
        assert_eq!(tried.outcomes[0].state(), ImportState::Created, "{tried:?}");

        let mut importing = std::pin::pin!(import(&service, stream_of(&request), &context));
        let waited = timeout(Duration::from_millis(300), &mut importing).await;
        assert!(waited.is_err() && service.snapshot().revision() == Revision(0));
        view.set_state(state(Vec::new()), true);
        let imported = timeout(limit, importing).await.unwrap().unwrap();
        assert_eq!(imported.outcomes[0].state(), ImportState::Created, "{imported:?}");
        assert_eq!(service.snapshot().revision(), Revision(1));
    }
}
