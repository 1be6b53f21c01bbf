//! `ImportMerchants`: many rows, each on its own.

use std::collections::VecDeque;

use nearby_index::Merchant;
use nearby_proto::v1::{
    ImportMerchantsRequest, ImportMerchantsResponse, ImportOutcome, ImportRow, ImportState, ImportViolation,
};
use prost::Message;
use tonic::{Status, Streaming};

use crate::grpc::{
    convert::{id_from_name, merchant_from_wire},
    middleware::error_details::explained_below,
    request_context::Asker,
};
use crate::{
    commit::{Committed, Submitted},
    error::{ServiceError, Violation},
    reason,
    service::Service,
};

/// Most rows of one call, so that its answer stays below the 4 MiB that clients take by default.
const MOST_ROWS: usize = 10_000;
/// Most violations that are told of a row.
const MOST_VIOLATIONS_A_ROW: usize = 8;
/// Room in an answer for what is wrong with rows, in bytes. Beyond it a row is told its first field and reason only:
/// 10,000 rows of those are another megabyte.
const VIOLATION_BYTES: usize = 2 * 1024 * 1024;
/// Messages of a call whose rows are being stored at the same time, in their order.
const MOST_UNDER_WAY: usize = 3;
/// Most rows of one message.
const MOST_ROWS_A_MESSAGE: usize = 1_000;

pub(super) async fn import(
    service: &Service,
    mut messages: Streaming<ImportMerchantsRequest>,
    asker: &Asker,
) -> Result<ImportMerchantsResponse, Status> {
    let mut response = ImportMerchantsResponse::default();
    let mut room = VIOLATION_BYTES;
    let (mut rows, mut under_way) = (0, VecDeque::new());
    while let Some(message) = messages.message().await.map_err(explained_below)? {
        if message.rows.len() > MOST_ROWS_A_MESSAGE {
            return Err(too_many("rows", format!("must be at most {MOST_ROWS_A_MESSAGE} in one message")));
        }
        rows += message.rows.len();
        if rows > MOST_ROWS {
            return Err(too_many(
                "rows",
                format!(
                    "must be at most {MOST_ROWS} in one call; those before are stored, send the rest in another"
                ),
            ));
        }
        under_way.push_back(Rows::submit(service, message, asker).await?);
        // While some become durable, the next are read and checked.
        if under_way.len() == MOST_UNDER_WAY
            && let Some(first) = under_way.pop_front()
        {
            first.finish(&mut response, &mut room).await?;
        }
    }
    for rows in under_way {
        rows.finish(&mut response, &mut room).await?;
    }
    Ok(response)
}

fn too_many(field: &str, description: String) -> Status {
    ServiceError::invalid(field, reason::TOO_MANY, description).into()
}

/// The rows of one message, submitted.
struct Rows {
    outcomes: Vec<ImportOutcome>,
    /// Which of them are being stored.
    stored_at: Vec<usize>,
    submitted: Submitted,
}

impl Rows {
    async fn submit(
        service: &Service,
        message: ImportMerchantsRequest,
        asker: &Asker,
    ) -> Result<Self, ServiceError> {
        let mut outcomes = Vec::with_capacity(message.rows.len());
        let mut merchants = Vec::with_capacity(message.rows.len());
        let mut stored_at = Vec::with_capacity(message.rows.len());
        for (at, row) in message.rows.into_iter().enumerate() {
            let row_number = row.row_number;
            let (state, violations) = match check_row(row, message.allow_null_island) {
                Ok(merchant) => {
                    merchants.push(merchant);
                    stored_at.push(at);
                    (ImportState::Unspecified, Vec::new())
                }
                Err(error) => (ImportState::Rejected, violations(error)?),
            };
            outcomes.push(ImportOutcome { row_number, state: state.into(), violations });
        }
        // Before they are stored: whatever becomes of the call, they may be.
        asker.is_about(merchants.iter().map(|merchant: &Merchant| &merchant.id));
        Ok(Self { outcomes, stored_at, submitted: service.import(merchants).await? })
    }

    /// Waits until they are stored, and adds what became of them to the answer.
    async fn finish(
        mut self,
        response: &mut ImportMerchantsResponse,
        room: &mut usize,
    ) -> Result<(), ServiceError> {
        for (at, result) in self.stored_at.into_iter().zip(self.submitted.results().await?) {
            let Committed { change, existed } = result?;
            let state = if existed { ImportState::Updated } else { ImportState::Created };
            self.outcomes[at].state = state.into();
            response.revision = response.revision.max(change.revision().0);
        }
        self.outcomes.iter_mut().for_each(|outcome| shorten(outcome, room));
        response.outcomes.append(&mut self.outcomes);
        Ok(())
    }
}

/// Keeps what is wrong with a row within the room that is left.
fn shorten(outcome: &mut ImportOutcome, room: &mut usize) {
    outcome.violations.truncate(MOST_VIOLATIONS_A_ROW);
    let bytes: usize = outcome.violations.iter().map(Message::encoded_len).sum();
    if bytes <= *room {
        *room -= bytes;
        return;
    }
    outcome.violations.truncate(1);
    for violation in &mut outcome.violations {
        violation.description.clear();
        violation.field = violation.field.chars().take(64).collect();
    }
}

fn check_row(row: ImportRow, allow_null_island: bool) -> Result<Merchant, ServiceError> {
    let given = row
        .merchant
        .ok_or_else(|| ServiceError::invalid("", reason::REQUIRED, "a merchant must be given"))?;
    let id = id_from_name(&given.name, "name")?;
    let merchant = merchant_from_wire(given, id, "")?;
    let at_null_island = merchant.position.latitude_deg() == 0.0 && merchant.position.longitude_deg() == 0.0;
    if at_null_island && !allow_null_island {
        return Err(ServiceError::invalid(
            "position",
            reason::NULL_ISLAND,
            "is exactly 0,0, which nearly always means unknown; set allow_null_island if it is really there",
        ));
    }
    Ok(merchant)
}

/// The violations of a row. Any other error is no fault of the row and ends the import.
fn violations(error: ServiceError) -> Result<Vec<ImportViolation>, ServiceError> {
    let ServiceError::Invalid(violations) = error else { return Err(error) };
    let to_wire = |Violation { field, reason, description }| ImportViolation {
        field,
        reason: reason.as_str().to_owned(),
        description,
    };
    Ok(violations.into_iter().map(to_wire).collect())
}
