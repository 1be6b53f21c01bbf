//! What is asked: scenarios, and the requests that they make of a seed.

mod check;
mod origins;
mod requests;
mod scenario;

pub use self::{
    check::{Asked, Check, Wrong},
    requests::{Call, Requests, Then},
    scenario::{Kind, Operation, Origins, READY, Scenario, ScenarioError, View},
};
