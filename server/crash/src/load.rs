//! What is sent to a server: changes of every kind from several workers, each of which owns its merchants.

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
    Client, ClientError, Code,
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
    Outcome,
    child::Server,
    model::{Model, Unit},
    random_of,
};

/// The model of a worker, which outlives the worker.
pub(crate) type Shared = Arc<Mutex<Model>>;

/// Looks into a model, or into the answers.
pub(crate) fn held<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Models of workers that have sent nothing yet.
pub(crate) fn models(workers: usize) -> Vec<Shared> {
    (0..workers).map(|_| Shared::default()).collect()
}

/// What models hold at the moment.
pub(crate) fn copies(models: &[Shared]) -> Vec<Model> {
    models.iter().map(|model| held(model).clone()).collect()
}

/// Tells how far the trace has come.
#[derive(Clone, Debug)]
pub(crate) enum Clock {
    /// There is no trace, and all that was acknowledged counts.
    Still,
    /// The length of a file.
    Trace(PathBuf),
}

impl Clock {
    fn now(&self) -> u64 {
        match self {
            Self::Still => 0,
            Self::Trace(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        }
    }
}

/// How to send.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) clock: Clock,
    pub(crate) seed: u64,
    /// Whether a worker goes on after a refusal.
    pub(crate) goes_on: bool,
    /// Most single merchants a worker, a fifth as many batches.
    pub(crate) merchants: usize,
    /// Most padding of a merchant, in labels of 200 bytes.
    pub(crate) labels: usize,
}

/// How writes were answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    pub(crate) ok: u64,
    /// By code and reason.
    pub(crate) refused: BTreeMap<String, u64>,
    /// Those without a reason, which a client cannot act upon; not counting connections that broke.
    pub(crate) unreasoned: u64,
}

/// Workers that send.
pub(crate) struct Load {
    workers: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    pub(crate) answers: Arc<Mutex<Answers>>,
}

impl Load {
    /// Lets a worker send for each model.
    pub(crate) fn start(server: &Server, models: &[Shared], plan: &Plan) -> Outcome<Self> {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Answers::default())));
        let mut workers = Vec::new();
        for (number, model) in models.iter().enumerate() {
            let worker = Worker {
                number,
                client: server.client()?,
                model: Arc::clone(model),
                plan: plan.clone(),
                random: random_of(plan.seed, number as u64 + 1_000_003),
                answers: Arc::clone(&answers),
            };
            workers.push(tokio::spawn(worker.run(Arc::clone(&stop))));
        }
        Ok(Self { workers, stop, answers })
    }

    /// Whether a worker still sends.
    pub(crate) fn goes_on(&self) -> bool {
        self.workers.iter().any(|worker| !worker.is_finished())
    }

    /// Ends it: what is under way is waited for, but not for long.
    pub(crate) async fn stop(self, patience: Duration) -> Answers {
        self.stop.store(true, Ordering::Relaxed);
        let until = tokio::time::Instant::now() + patience;
        for mut worker in self.workers {
            if tokio::time::timeout_at(until, &mut worker).await.is_err() {
                worker.abort();
                drop(worker.await);
            }
        }
        held(&self.answers).clone()
    }
}

/// A place in Helsinki.
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

struct Worker {
    number: usize,
    client: Client,
    model: Shared,
    plan: Plan,
    random: Pcg64Mcg,
    answers: Arc<Mutex<Answers>>,
}

/// What is under way: units, and the states they are to have.
type Sent = Vec<(usize, usize)>;

const MOST_OF_A_BATCH: usize = 30;
const MOST_OF_A_MESSAGE: usize = 60;

impl Worker {
    async fn run(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::Relaxed) {
            let answer = match self.random.random_range(0..100) {
                0..50 => self.put().await,
                50..62 => self.delete().await,
                62..82 => self.batch().await,
                _ => self.import().await,
            };
            let Err(error) = answer else {
                held(&self.answers).ok += 1;
                continue;
            };
            let is_broken = error.code() == Code::Unavailable && error.reason().is_none();
            {
                let mut answers = held(&self.answers);
                let what = format!("{:?}/{}", error.code(), error.reason().unwrap_or("-"));
                *answers.refused.entry(what).or_default() += 1;
                answers.unreasoned += u64::from(!is_broken && error.reason().is_none());
            }
            if is_broken || !self.plan.goes_on {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Some unit of one merchant, or of a batch; a new one while there is room.
    fn unit(&mut self, batch: bool) -> usize {
        let mut model = held(&self.model);
        let of_kind = |unit: &Unit| (unit.ids.len() > 1) == batch;
        let known: Vec<usize> =
            (0..model.units.len()).filter(|number| of_kind(&model.units[*number])).collect();
        let room = if batch { self.plan.merchants / 5 } else { self.plan.merchants };
        let new = known.is_empty() || (known.len() < room && self.random.random_bool(0.4));
        if !new {
            return known[self.random.random_range(0..known.len())];
        }
        let (worker, number) = (self.number, model.units.len());
        let ids = if batch {
            let size = self.random.random_range(2..=MOST_OF_A_BATCH);
            (0..size).map(|member| format!("w{worker}-{number}-{member}")).collect()
        } else {
            vec![format!("w{worker}-{number}")]
        };
        model.units.push(Unit { ids, states: Vec::new() });
        number
    }

    /// Says of units that they are about to be put or deleted; returns their merchants too.
    fn send(&mut self, units: &[usize], put: bool) -> (Sent, Vec<Merchant>) {
        let now = self.plan.clock.now();
        let (mut sent, mut merchants) = (Vec::new(), Vec::new());
        for unit in units {
            let mut model = held(&self.model);
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
        let mut model = held(&self.model);
        sent.iter().for_each(|(unit, state)| model.ack(*unit, *state, now));
    }

    fn merchant(&mut self, id: &str, display_name: &str) -> Merchant {
        let labels = self.random.random_range(0..=self.plan.labels);
        let mut padding = |number: usize| {
            let word = format!("{:016x}", self.random.random::<u64>());
            (format!("k{number}"), word.repeat(12))
        };
        Merchant {
            name: name_of(id),
            display_name: display_name.to_owned(),
            labels: (0..labels).map(&mut padding).collect(),
            position: Some(position(self.random.random_range(-0.02..0.02))),
            ..Default::default()
        }
    }

    async fn put(&mut self) -> Result<(), ClientError> {
        let unit = self.unit(false);
        let is_new = held(&self.model).units[unit].states.is_empty();
        let (sent, mut merchants) = self.send(&[unit], true);
        let merchant = merchants.pop();
        if is_new {
            self.client.create_merchant(CreateMerchantRequest { merchant, ..Default::default() }).await?;
        } else {
            let request = UpdateMerchantRequest { merchant, allow_missing: true, ..Default::default() };
            self.client.update_merchant(request).await?;
        }
        self.acknowledge(&sent);
        Ok(())
    }

    async fn delete(&mut self) -> Result<(), ClientError> {
        let unit = self.unit(false);
        if !held(&self.model).units[unit].is_put() {
            return self.put().await;
        }
        let (sent, merchants) = self.send(&[unit], false);
        for Merchant { name, .. } in merchants {
            self.client.delete_merchant(DeleteMerchantRequest { name, ..Default::default() }).await?;
        }
        self.acknowledge(&sent);
        Ok(())
    }

    async fn batch(&mut self) -> Result<(), ClientError> {
        let unit = self.unit(true);
        let (is_new, is_put) = {
            let model = held(&self.model);
            (model.units[unit].states.is_empty(), model.units[unit].is_put())
        };
        let deletes = is_put && self.random.random_bool(0.4);
        let (sent, merchants) = self.send(&[unit], !deletes);
        if deletes {
            let delete = |Merchant { name, .. }| DeleteMerchantRequest { name, ..Default::default() };
            let requests = merchants.into_iter().map(delete).collect();
            let request = BatchDeleteMerchantsRequest { requests, ..Default::default() };
            self.client.batch_delete_merchants(request).await?;
        } else if is_new {
            let create = |merchant| CreateMerchantRequest { merchant: Some(merchant), ..Default::default() };
            let requests = merchants.into_iter().map(create).collect();
            let request = BatchCreateMerchantsRequest { requests, ..Default::default() };
            self.client.batch_create_merchants(request).await?;
        } else {
            let update = |merchant| UpdateMerchantRequest {
                merchant: Some(merchant),
                allow_missing: true,
                ..Default::default()
            };
            let requests = merchants.into_iter().map(update).collect();
            let request = BatchUpdateMerchantsRequest { requests, ..Default::default() };
            self.client.batch_update_merchants(request).await?;
        }
        self.acknowledge(&sent);
        Ok(())
    }

    async fn import(&mut self) -> Result<(), ClientError> {
        let rows = self.random.random_range(1..=MOST_OF_A_MESSAGE);
        let units: BTreeSet<usize> = (0..rows).map(|_| self.unit(false)).collect();
        let units: Vec<usize> = units.into_iter().collect();
        let (sent, merchants) = self.send(&units, true);
        let rows: Vec<ImportRow> = merchants
            .into_iter()
            .zip(0..)
            .map(|(merchant, row_number)| ImportRow { row_number, merchant: Some(merchant) })
            .collect();
        let size = self.random.random_range(1..=rows.len());
        let messages: Vec<ImportMerchantsRequest> = rows
            .chunks(size)
            .map(|rows| ImportMerchantsRequest { rows: rows.to_vec(), allow_null_island: false })
            .collect();
        let answer = self.client.import_merchants(tokio_stream::iter(messages)).await?;
        let stored = |state| matches!(state, ImportState::Created | ImportState::Updated);
        let outcomes = answer.outcomes.iter().zip(sent);
        let stored: Sent =
            outcomes.filter(|(outcome, _)| stored(outcome.state())).map(|(_, sent)| sent).collect();
        self.acknowledge(&stored);
        Ok(())
    }
}
