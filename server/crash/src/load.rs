//! Load on a server: changes of every kind from concurrent workers, each with merchants of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use nearby_client::{
    ClientError, Code,
    v1::{
        BatchCreateMerchantsRequest, BatchDeleteMerchantsRequest, BatchUpdateMerchantsRequest,
        CoordinateSystem, CreateMerchantRequest, DeleteMerchantRequest, ImportMerchantsRequest, ImportRow,
        ImportState, Merchant, Position, UpdateMerchantRequest,
    },
};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use tokio::task::JoinHandle;

use crate::{
    args::rng_of,
    change::{Change, Target},
    expected::{Model, Unit},
};

/// The expected content of a worker; it outlives the worker.
pub(crate) type SharedModel = Arc<Mutex<Model>>;

/// Locks a model or the responses. A worker that panicked leaves them usable.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates a model for each worker.
pub(crate) fn models(workers: usize) -> Vec<SharedModel> {
    (0..workers).map(|_| SharedModel::default()).collect()
}

/// Copies the current state of models.
pub(crate) fn copies(models: &[SharedModel]) -> Vec<Model> {
    models.iter().map(|model| lock(model).clone()).collect()
}

/// Position in the trace of file operations, which orders changes and disk images.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// There is no trace: every acknowledgement counts.
    Disabled,
    /// The length of the trace file.
    Trace(PathBuf),
}

impl Clock {
    fn now(&self) -> u64 {
        match self {
            Self::Disabled => 0,
            Self::Trace(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        }
    }
}

/// Parameters of the load.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
    /// Workers continue after a rejected change; otherwise they stop.
    pub(crate) continue_after_rejection: bool,
    /// Maximum number of single merchants per worker; batches are limited to a fifth of it.
    pub(crate) merchants: usize,
    /// Maximum padding of a merchant, in labels of 200 bytes.
    pub(crate) labels: usize,
}

/// Counts of responses to changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Responses {
    pub(crate) ok: u64,
    /// Errors, by code and reason.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Errors without a reason, which a client cannot act on; failed connections are not counted.
    pub(crate) without_reason: u64,
}

/// Running workers.
pub(crate) struct Load {
    workers: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    pub(crate) responses: Arc<Mutex<Responses>>,
}

impl Load {
    /// Starts a worker for each model.
    pub(crate) fn start(target: &impl Target, models: &[SharedModel], plan: &Plan) -> Self {
        let (stop, responses) =
            (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Responses::default())));
        let mut workers = Vec::new();
        for (number, model) in models.iter().enumerate() {
            let worker = Worker {
                number,
                target: target.clone(),
                model: Arc::clone(model),
                plan: plan.clone(),
                rng: rng_of(plan.seed, number as u64 + 1_000_003),
                responses: Arc::clone(&responses),
                frozen: BTreeSet::new(),
            };
            workers.push(tokio::spawn(worker.run(Arc::clone(&stop))));
        }
        Self { workers, stop, responses }
    }

    /// Returns `true` while a worker is sending.
    pub(crate) fn is_running(&self) -> bool {
        self.workers.iter().any(|worker| !worker.is_finished())
    }

    /// Stops the workers. Calls in flight are aborted after the timeout.
    pub(crate) async fn stop(self, timeout: Duration) -> Responses {
        self.stop.store(true, Ordering::Relaxed);
        let deadline = tokio::time::Instant::now() + timeout;
        for mut worker in self.workers {
            if tokio::time::timeout_at(deadline, &mut worker).await.is_err() {
                worker.abort();
                drop(worker.await);
            }
        }
        lock(&self.responses).clone()
    }
}

/// Returns a position in Helsinki, with an offset in degrees.
pub(crate) fn position(offset: f64) -> Position {
    Position {
        latitude: 60.1719 + offset,
        longitude: 24.9414 + offset,
        coordinate_system: CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    }
}

fn name_of(id: &str) -> String {
    format!("merchants/{id}")
}

struct Worker<T> {
    number: usize,
    target: T,
    model: SharedModel,
    plan: Plan,
    rng: Pcg64Mcg,
    responses: Arc<Mutex<Responses>>,
    /// Units that do not change any more, because a change may be applied once more.
    frozen: BTreeSet<usize>,
}

/// Changes that were sent: units, and the index of the new state of each.
type Sent = Vec<(usize, usize)>;

const MAX_BATCH_SIZE: usize = 30;
const MAX_MESSAGE_ROWS: usize = 60;

impl<T: Target> Worker<T> {
    async fn run(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let result = match self.rng.random_range(0..100) {
                0..50 => self.put().await,
                50..62 => self.delete().await,
                62..82 => self.batch().await,
                _ => self.import().await,
            };
            let Err(error) = result else {
                lock(&self.responses).ok += 1;
                continue;
            };
            let is_disconnected = error.code() == Code::Unavailable && error.reason().is_none();
            {
                let mut responses = lock(&self.responses);
                let key = format!("{:?}/{}", error.code(), error.reason().unwrap_or("-"));
                *responses.rejected.entry(key).or_default() += 1;
                responses.without_reason += u64::from(!is_disconnected && error.reason().is_none());
            }
            if is_disconnected || !self.plan.continue_after_rejection {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns the index of a random unit: a single merchant or a batch. Creates one if the limit is not reached.
    fn unit(&mut self, batch: bool) -> usize {
        let mut model = lock(&self.model);
        let of_kind = |unit: &Unit| (unit.ids.len() > 1) == batch;
        let known: Vec<usize> = (0..model.units.len())
            .filter(|number| of_kind(&model.units[*number]) && !self.frozen.contains(number))
            .collect();
        let limit = if batch { self.plan.merchants / 5 } else { self.plan.merchants };
        let new = known.is_empty() || (known.len() < limit && self.rng.random_bool(0.4));
        if !new {
            return known[self.rng.random_range(0..known.len())];
        }
        let (worker, number) = (self.number, model.units.len());
        let ids = if batch {
            let size = self.rng.random_range(2..=MAX_BATCH_SIZE);
            (0..size).map(|member| format!("w{worker}-{number}-{member}")).collect()
        } else {
            vec![format!("w{worker}-{number}")]
        };
        model.units.push(Unit { ids, states: Vec::new() });
        number
    }

    /// Records that units are about to be stored or deleted; returns the new states and the merchants.
    fn send(&mut self, units: &[usize], put: bool) -> (Sent, Vec<Merchant>) {
        let now = self.plan.clock.now();
        let (mut sent, mut merchants) = (Vec::new(), Vec::new());
        for unit in units {
            let mut model = lock(&self.model);
            model.names += 1;
            let name = format!("w{} v{}", self.number, model.names);
            sent.push((*unit, model.send(*unit, put.then(|| name.clone()), now)));
            let ids = model.units[*unit].ids.clone();
            drop(model);
            merchants.extend(ids.iter().map(|id| self.merchant(id, &name)));
        }
        (sent, merchants)
    }

    fn acknowledge(&self, sent: &Sent) {
        let now = self.plan.clock.now();
        let mut model = lock(&self.model);
        sent.iter().for_each(|(unit, state)| model.ack(*unit, *state, now));
    }

    fn merchant(&mut self, id: &str, display_name: &str) -> Merchant {
        let labels = self.rng.random_range(0..=self.plan.labels);
        let mut padding = |number: usize| {
            let word = format!("{:016x}", self.rng.random::<u64>());
            (format!("k{number}"), word.repeat(12))
        };
        Merchant {
            name: name_of(id),
            display_name: display_name.to_owned(),
            labels: (0..labels).map(&mut padding).collect(),
            position: Some(position(self.rng.random_range(-0.02..0.02))),
            ..Default::default()
        }
    }

    async fn put(&mut self) -> Result<(), ClientError> {
        let unit = self.unit(false);
        let is_new = lock(&self.model).units[unit].states.is_empty();
        let (sent, mut merchants) = self.send(&[unit], true);
        let merchant = merchants.pop();
        if is_new {
            let request = CreateMerchantRequest { merchant, ..Default::default() };
            self.target.apply(Change::Create(request)).await?;
        } else {
            let request = UpdateMerchantRequest { merchant, allow_missing: true, ..Default::default() };
            self.target.apply(Change::Update(request)).await?;
        }
        self.acknowledge(&sent);
        Ok(())
    }

    async fn delete(&mut self) -> Result<(), ClientError> {
        let unit = self.unit(false);
        if !lock(&self.model).units[unit].is_stored() {
            return self.put().await;
        }
        let (sent, merchants) = self.send(&[unit], false);
        for Merchant { name, .. } in merchants {
            let request = DeleteMerchantRequest { name, ..Default::default() };
            self.target.apply(Change::Delete(request)).await?;
        }
        self.acknowledge(&sent);
        Ok(())
    }

    async fn batch(&mut self) -> Result<(), ClientError> {
        let unit = self.unit(true);
        let (is_new, is_stored) = {
            let model = lock(&self.model);
            (model.units[unit].states.is_empty(), model.units[unit].is_stored())
        };
        let deletes = is_stored && self.rng.random_bool(0.4);
        let (sent, merchants) = self.send(&[unit], !deletes);
        if deletes {
            let delete = |Merchant { name, .. }| DeleteMerchantRequest { name, ..Default::default() };
            let requests = merchants.into_iter().map(delete).collect();
            let request = BatchDeleteMerchantsRequest { requests, ..Default::default() };
            self.target.apply(Change::BatchDelete(request)).await?;
        } else if is_new {
            let create = |merchant| CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
            let requests = merchants.into_iter().map(create).collect();
            let request = BatchCreateMerchantsRequest { requests, ..Default::default() };
            self.target.apply(Change::BatchCreate(request)).await?;
        } else {
            let update = |merchant| UpdateMerchantRequest {
                merchant: Some(merchant),
                allow_missing: true,
                ..Default::default()
            };
            let requests = merchants.into_iter().map(update).collect();
            let request = BatchUpdateMerchantsRequest { requests, ..Default::default() };
            self.target.apply(Change::BatchUpdate(request)).await?;
        }
        self.acknowledge(&sent);
        Ok(())
    }

    async fn import(&mut self) -> Result<(), ClientError> {
        let rows = self.rng.random_range(1..=MAX_MESSAGE_ROWS);
        let units: BTreeSet<usize> = (0..rows).map(|_| self.unit(false)).collect();
        let units: Vec<usize> = units.into_iter().collect();
        let (sent, merchants) = self.send(&units, true);
        let rows: Vec<ImportRow> = merchants
            .into_iter()
            .zip(0..)
            .map(|(merchant, row_number)| ImportRow {
                row_number,
                merchant: Some(merchant),
                ..Default::default()
            })
            .collect();
        let size = self.rng.random_range(1..=rows.len());
        let messages: Vec<ImportMerchantsRequest> = rows
            .chunks(size)
            .map(|rows| ImportMerchantsRequest { rows: rows.to_vec(), ..Default::default() })
            .collect();
        let response = self.target.apply(Change::Import(messages)).await?;
        if response.may_repeat {
            // Imports have no request id: a repetition must not replace a later change.
            self.frozen.extend(&units);
        }
        let stored = |state| matches!(state, ImportState::Created | ImportState::Updated);
        let outcomes = response.outcomes.iter().zip(sent);
        let stored: Sent =
            outcomes.filter(|(outcome, _)| stored(outcome.state())).map(|(_, sent)| sent).collect();
        self.acknowledge(&stored);
        Ok(())
    }
}
