//! RESP connections and responses, common to Redis and Tile38.

use std::io;

use ::redis::{Client, Cmd, FromRedisValue, Value, aio::MultiplexedConnection};

use super::system::Found;

/// Key of the merchants in both systems.
pub(super) const KEY: &str = "nearby-compare";

/// Creates a client, without connecting.
pub(super) fn client(url: &str) -> io::Result<Client> {
    Client::open(url)
        .map_err(|error| io::Error::other(format!("{error}; example of an address: redis://127.0.0.1:6379")))
}

/// Opens a connection.
pub(super) async fn connect(client: &Client) -> io::Result<MultiplexedConnection> {
    client.get_multiplexed_async_connection().await.map_err(io::Error::other)
}

/// Sends a command and waits for its response.
pub(super) async fn send<T: FromRedisValue>(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> io::Result<T> {
    command.query_async(connection).await.map_err(io::Error::other)
}

/// Decodes an array of pairs of an id and a distance.
pub(super) fn pairs(value: &Value) -> Option<Vec<Found>> {
    let Value::Array(pairs) = value else { return None };
    pairs.iter().map(pair).collect()
}

fn pair(value: &Value) -> Option<Found> {
    let Value::Array(pair) = value else { return None };
    let [id, distance] = pair.as_slice() else { return None };
    Some(Found { number: text(id)?.parse().ok(), distance_m: text(distance)?.parse().ok()? })
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_and_other_values_are_rejected() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let one = Value::Array(vec![text("7"), text("12.5")]);
        let found = Found { number: Some(7), distance_m: 12.5 };
        assert_eq!(pairs(&Value::Array(vec![one.clone()])), Some(vec![found]));
        let strange = Value::Array(vec![text("x"), Value::Double(1.0)]);
        let found = pairs(&Value::Array(vec![one, strange])).unwrap();
        assert_eq!(found[1], Found { number: None, distance_m: 1.0 });
        assert_eq!(pairs(&Value::Nil), None);
        assert_eq!(pairs(&Value::Array(vec![text("7")])), None);
    }
}
