//! Values that many merchants have in common, kept once: a tenth of the memory of a million merchants.

use std::{
    borrow::Borrow,
    collections::HashSet,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// Fewer than this are not worth a sweep.
const LEAST: usize = 1_024;

/// Values that are in use somewhere, and some that were until lately.
#[derive(Debug)]
pub(crate) struct Pool<T: ?Sized>(Mutex<Values<T>>);

#[derive(Debug)]
struct Values<T: ?Sized> {
    values: HashSet<Arc<T>>,
    /// How many there may be before those that nobody uses any more are let go of.
    sweep_at: usize,
}

impl<T: ?Sized + Eq + Hash> Pool<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Values { values: HashSet::new(), sweep_at: LEAST }))
    }

    /// The value that is equal to this one and kept already, or else this one.
    pub(crate) fn share(&self, value: Arc<T>) -> Arc<T>
    where
        Arc<T>: Borrow<T>,
    {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = pool.values.get(&*value) {
            return Arc::clone(kept);
        }
        if pool.values.len() >= pool.sweep_at {
            pool.values.retain(|kept| Arc::strong_count(kept) > 1);
            // A sweep looks at all: the more there are, the rarer it is.
            pool.sweep_at = LEAST.max(2 * pool.values.len());
        }
        pool.values.insert(Arc::clone(&value));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_are_one_and_unused_ones_go() {
        let pool = Pool::new();
        let one: Arc<str> = pool.share("tea".into());
        assert!(Arc::ptr_eq(&one, &pool.share("tea".into())));
        for number in 0..10 * LEAST {
            pool.share(number.to_string().into());
        }
        let values = pool.0.lock().unwrap();
        assert!(values.values.contains("tea") && values.values.len() <= LEAST, "{}", values.values.len());
    }
}
