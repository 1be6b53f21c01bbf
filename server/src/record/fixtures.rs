//! Merchants for tests.

use nearby_proto::v1 as wire;

/// A valid merchant, from a client.
pub(crate) fn cafe() -> wire::Merchant {
    wire::Merchant {
        name: "merchants/ignored".to_owned(),
        display_name: "Café".to_owned(),
        position: Some(wire::Position {
            latitude: 39.9,
            longitude: 116.4,
            coordinate_system: wire::CoordinateSystem::Gcj02.into(),
            accuracy_m: Some(10.0),
        }),
        ..Default::default()
    }
}
