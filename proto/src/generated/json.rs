impl serde::Serialize for ApproveMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.etag.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ApproveMerchantRequest", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.etag.is_empty() {
            struct_ser.serialize_field("etag", &self.etag)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ApproveMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "etag",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Etag,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "etag" => Ok(GeneratedField::Etag),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ApproveMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ApproveMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ApproveMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut etag__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Etag => {
                            if etag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("etag"));
                            }
                            etag__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ApproveMerchantRequest {
                    name: name__.unwrap_or_default(),
                    etag: etag__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ApproveMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for AttributeRange {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.key.is_empty() {
            len += 1;
        }
        if self.min.is_some() {
            len += 1;
        }
        if self.max.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.AttributeRange", len)?;
        if !self.key.is_empty() {
            struct_ser.serialize_field("key", &self.key)?;
        }
        if let Some(v) = self.min.as_ref() {
            struct_ser.serialize_field("min", v)?;
        }
        if let Some(v) = self.max.as_ref() {
            struct_ser.serialize_field("max", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for AttributeRange {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "key",
            "min",
            "max",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Key,
            Min,
            Max,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "key" => Ok(GeneratedField::Key),
                            "min" => Ok(GeneratedField::Min),
                            "max" => Ok(GeneratedField::Max),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = AttributeRange;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.AttributeRange")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<AttributeRange, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut key__ = None;
                let mut min__ = None;
                let mut max__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Key => {
                            if key__.is_some() {
                                return Err(serde::de::Error::duplicate_field("key"));
                            }
                            key__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Min => {
                            if min__.is_some() {
                                return Err(serde::de::Error::duplicate_field("min"));
                            }
                            min__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                        GeneratedField::Max => {
                            if max__.is_some() {
                                return Err(serde::de::Error::duplicate_field("max"));
                            }
                            max__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                    }
                }
                Ok(AttributeRange {
                    key: key__.unwrap_or_default(),
                    min: min__,
                    max: max__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.AttributeRange", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BackUpMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let len = 0;
        let struct_ser = serializer.serialize_struct("nearby.v1.BackUpMerchantsRequest", len)?;
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BackUpMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                            Err(serde::de::Error::unknown_field(value, FIELDS))
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BackUpMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BackUpMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BackUpMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                while map_.next_key::<GeneratedField>()?.is_some() {
                    let _ = map_.next_value::<serde::de::IgnoredAny>()?;
                }
                Ok(BackUpMerchantsRequest {
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BackUpMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BackUpMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.data.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BackUpMerchantsResponse", len)?;
        if !self.data.is_empty() {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("data", pbjson::private::base64::encode(&self.data).as_str())?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BackUpMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "data",
            "revision",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Data,
            Revision,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "data" => Ok(GeneratedField::Data),
                            "revision" => Ok(GeneratedField::Revision),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BackUpMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BackUpMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BackUpMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut data__ = None;
                let mut revision__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Data => {
                            if data__.is_some() {
                                return Err(serde::de::Error::duplicate_field("data"));
                            }
                            data__ = 
                                Some(map_.next_value::<::pbjson::private::BytesDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(BackUpMerchantsResponse {
                    data: data__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BackUpMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchCreateMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.requests.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchCreateMerchantsRequest", len)?;
        if !self.requests.is_empty() {
            struct_ser.serialize_field("requests", &self.requests)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchCreateMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "requests",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Requests,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "requests" => Ok(GeneratedField::Requests),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchCreateMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchCreateMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchCreateMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut requests__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Requests => {
                            if requests__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requests"));
                            }
                            requests__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(BatchCreateMerchantsRequest {
                    requests: requests__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchCreateMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchCreateMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.merchants.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchCreateMerchantsResponse", len)?;
        if !self.merchants.is_empty() {
            struct_ser.serialize_field("merchants", &self.merchants)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchCreateMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchants",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchants,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchants" => Ok(GeneratedField::Merchants),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchCreateMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchCreateMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchCreateMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchants__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchants => {
                            if merchants__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchants"));
                            }
                            merchants__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(BatchCreateMerchantsResponse {
                    merchants: merchants__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchCreateMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchDeleteMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.requests.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchDeleteMerchantsRequest", len)?;
        if !self.requests.is_empty() {
            struct_ser.serialize_field("requests", &self.requests)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchDeleteMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "requests",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Requests,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "requests" => Ok(GeneratedField::Requests),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchDeleteMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchDeleteMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchDeleteMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut requests__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Requests => {
                            if requests__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requests"));
                            }
                            requests__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(BatchDeleteMerchantsRequest {
                    requests: requests__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchDeleteMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchGetMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.names.is_empty() {
            len += 1;
        }
        if self.view != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchGetMerchantsRequest", len)?;
        if !self.names.is_empty() {
            struct_ser.serialize_field("names", &self.names)?;
        }
        if self.view != 0 {
            let v = MerchantView::try_from(self.view)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.view)))?;
            struct_ser.serialize_field("view", &v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchGetMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "names",
            "view",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Names,
            View,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "names" => Ok(GeneratedField::Names),
                            "view" => Ok(GeneratedField::View),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchGetMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchGetMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchGetMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut names__ = None;
                let mut view__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Names => {
                            if names__.is_some() {
                                return Err(serde::de::Error::duplicate_field("names"));
                            }
                            names__ = Some(map_.next_value()?);
                        }
                        GeneratedField::View => {
                            if view__.is_some() {
                                return Err(serde::de::Error::duplicate_field("view"));
                            }
                            view__ = Some(map_.next_value::<MerchantView>()? as i32);
                        }
                    }
                }
                Ok(BatchGetMerchantsRequest {
                    names: names__.unwrap_or_default(),
                    view: view__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchGetMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchGetMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.merchants.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchGetMerchantsResponse", len)?;
        if !self.merchants.is_empty() {
            struct_ser.serialize_field("merchants", &self.merchants)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchGetMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchants",
            "revision",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchants,
            Revision,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchants" => Ok(GeneratedField::Merchants),
                            "revision" => Ok(GeneratedField::Revision),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchGetMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchGetMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchGetMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchants__ = None;
                let mut revision__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchants => {
                            if merchants__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchants"));
                            }
                            merchants__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(BatchGetMerchantsResponse {
                    merchants: merchants__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchGetMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchSearchNearbyRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.requests.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchSearchNearbyRequest", len)?;
        if !self.requests.is_empty() {
            struct_ser.serialize_field("requests", &self.requests)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchSearchNearbyRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "requests",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Requests,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "requests" => Ok(GeneratedField::Requests),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchSearchNearbyRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchSearchNearbyRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchSearchNearbyRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut requests__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Requests => {
                            if requests__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requests"));
                            }
                            requests__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(BatchSearchNearbyRequest {
                    requests: requests__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchSearchNearbyRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchSearchNearbyResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.results.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchSearchNearbyResponse", len)?;
        if !self.results.is_empty() {
            struct_ser.serialize_field("results", &self.results)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchSearchNearbyResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "results",
            "revision",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Results,
            Revision,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "results" => Ok(GeneratedField::Results),
                            "revision" => Ok(GeneratedField::Revision),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchSearchNearbyResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchSearchNearbyResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchSearchNearbyResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut results__ = None;
                let mut revision__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Results => {
                            if results__.is_some() {
                                return Err(serde::de::Error::duplicate_field("results"));
                            }
                            results__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(BatchSearchNearbyResponse {
                    results: results__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchSearchNearbyResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchSearchNearbyResult {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.outcome.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchSearchNearbyResult", len)?;
        if let Some(v) = self.outcome.as_ref() {
            match v {
                batch_search_nearby_result::Outcome::Response(v) => {
                    struct_ser.serialize_field("response", v)?;
                }
                batch_search_nearby_result::Outcome::Status(v) => {
                    struct_ser.serialize_field("status", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchSearchNearbyResult {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "response",
            "status",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Response,
            Status,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "response" => Ok(GeneratedField::Response),
                            "status" => Ok(GeneratedField::Status),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchSearchNearbyResult;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchSearchNearbyResult")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchSearchNearbyResult, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut outcome__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Response => {
                            if outcome__.is_some() {
                                return Err(serde::de::Error::duplicate_field("response"));
                            }
                            outcome__ = map_.next_value::<::std::option::Option<_>>()?.map(batch_search_nearby_result::Outcome::Response)
;
                        }
                        GeneratedField::Status => {
                            if outcome__.is_some() {
                                return Err(serde::de::Error::duplicate_field("status"));
                            }
                            outcome__ = map_.next_value::<::std::option::Option<_>>()?.map(batch_search_nearby_result::Outcome::Status)
;
                        }
                    }
                }
                Ok(BatchSearchNearbyResult {
                    outcome: outcome__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchSearchNearbyResult", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchUpdateMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.requests.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchUpdateMerchantsRequest", len)?;
        if !self.requests.is_empty() {
            struct_ser.serialize_field("requests", &self.requests)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchUpdateMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "requests",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Requests,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "requests" => Ok(GeneratedField::Requests),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchUpdateMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchUpdateMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchUpdateMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut requests__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Requests => {
                            if requests__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requests"));
                            }
                            requests__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(BatchUpdateMerchantsRequest {
                    requests: requests__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchUpdateMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BatchUpdateMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.merchants.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.BatchUpdateMerchantsResponse", len)?;
        if !self.merchants.is_empty() {
            struct_ser.serialize_field("merchants", &self.merchants)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for BatchUpdateMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchants",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchants,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchants" => Ok(GeneratedField::Merchants),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = BatchUpdateMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.BatchUpdateMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<BatchUpdateMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchants__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchants => {
                            if merchants__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchants"));
                            }
                            merchants__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(BatchUpdateMerchantsResponse {
                    merchants: merchants__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.BatchUpdateMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for BusinessStatus {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "BUSINESS_STATUS_UNSPECIFIED",
            Self::Operational => "BUSINESS_STATUS_OPERATIONAL",
            Self::ClosedTemporarily => "BUSINESS_STATUS_CLOSED_TEMPORARILY",
            Self::ClosedPermanently => "BUSINESS_STATUS_CLOSED_PERMANENTLY",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for BusinessStatus {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "BUSINESS_STATUS_UNSPECIFIED",
            "BUSINESS_STATUS_OPERATIONAL",
            "BUSINESS_STATUS_CLOSED_TEMPORARILY",
            "BUSINESS_STATUS_CLOSED_PERMANENTLY",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = BusinessStatus;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "BUSINESS_STATUS_UNSPECIFIED" => Ok(BusinessStatus::Unspecified),
                    "BUSINESS_STATUS_OPERATIONAL" => Ok(BusinessStatus::Operational),
                    "BUSINESS_STATUS_CLOSED_TEMPORARILY" => Ok(BusinessStatus::ClosedTemporarily),
                    "BUSINESS_STATUS_CLOSED_PERMANENTLY" => Ok(BusinessStatus::ClosedPermanently),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for CalendarDate {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.year != 0 {
            len += 1;
        }
        if self.month != 0 {
            len += 1;
        }
        if self.day != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.CalendarDate", len)?;
        if self.year != 0 {
            struct_ser.serialize_field("year", &self.year)?;
        }
        if self.month != 0 {
            struct_ser.serialize_field("month", &self.month)?;
        }
        if self.day != 0 {
            struct_ser.serialize_field("day", &self.day)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for CalendarDate {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "year",
            "month",
            "day",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Year,
            Month,
            Day,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "year" => Ok(GeneratedField::Year),
                            "month" => Ok(GeneratedField::Month),
                            "day" => Ok(GeneratedField::Day),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = CalendarDate;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.CalendarDate")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<CalendarDate, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut year__ = None;
                let mut month__ = None;
                let mut day__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Year => {
                            if year__.is_some() {
                                return Err(serde::de::Error::duplicate_field("year"));
                            }
                            year__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Month => {
                            if month__.is_some() {
                                return Err(serde::de::Error::duplicate_field("month"));
                            }
                            month__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Day => {
                            if day__.is_some() {
                                return Err(serde::de::Error::duplicate_field("day"));
                            }
                            day__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(CalendarDate {
                    year: year__.unwrap_or_default(),
                    month: month__.unwrap_or_default(),
                    day: day__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.CalendarDate", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Circle {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.center.is_some() {
            len += 1;
        }
        if self.radius_m != 0. {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Circle", len)?;
        if let Some(v) = self.center.as_ref() {
            struct_ser.serialize_field("center", v)?;
        }
        if self.radius_m != 0. {
            struct_ser.serialize_field("radiusM", &self.radius_m)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Circle {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "center",
            "radius_m",
            "radiusM",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Center,
            RadiusM,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "center" => Ok(GeneratedField::Center),
                            "radiusM" | "radius_m" => Ok(GeneratedField::RadiusM),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Circle;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Circle")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Circle, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut center__ = None;
                let mut radius_m__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Center => {
                            if center__.is_some() {
                                return Err(serde::de::Error::duplicate_field("center"));
                            }
                            center__ = map_.next_value()?;
                        }
                        GeneratedField::RadiusM => {
                            if radius_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("radiusM"));
                            }
                            radius_m__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(Circle {
                    center: center__,
                    radius_m: radius_m__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Circle", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ClusterBroker {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.monitor.is_empty() {
            len += 1;
        }
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.version.is_empty() {
            len += 1;
        }
        if self.syncs {
            len += 1;
        }
        if !self.error.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ClusterBroker", len)?;
        if !self.monitor.is_empty() {
            struct_ser.serialize_field("monitor", &self.monitor)?;
        }
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.version.is_empty() {
            struct_ser.serialize_field("version", &self.version)?;
        }
        if self.syncs {
            struct_ser.serialize_field("syncs", &self.syncs)?;
        }
        if !self.error.is_empty() {
            struct_ser.serialize_field("error", &self.error)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ClusterBroker {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "monitor",
            "name",
            "version",
            "syncs",
            "error",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Monitor,
            Name,
            Version,
            Syncs,
            Error,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "monitor" => Ok(GeneratedField::Monitor),
                            "name" => Ok(GeneratedField::Name),
                            "version" => Ok(GeneratedField::Version),
                            "syncs" => Ok(GeneratedField::Syncs),
                            "error" => Ok(GeneratedField::Error),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ClusterBroker;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ClusterBroker")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ClusterBroker, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut monitor__ = None;
                let mut name__ = None;
                let mut version__ = None;
                let mut syncs__ = None;
                let mut error__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Monitor => {
                            if monitor__.is_some() {
                                return Err(serde::de::Error::duplicate_field("monitor"));
                            }
                            monitor__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Version => {
                            if version__.is_some() {
                                return Err(serde::de::Error::duplicate_field("version"));
                            }
                            version__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Syncs => {
                            if syncs__.is_some() {
                                return Err(serde::de::Error::duplicate_field("syncs"));
                            }
                            syncs__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Error => {
                            if error__.is_some() {
                                return Err(serde::de::Error::duplicate_field("error"));
                            }
                            error__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ClusterBroker {
                    monitor: monitor__.unwrap_or_default(),
                    name: name__.unwrap_or_default(),
                    version: version__.unwrap_or_default(),
                    syncs: syncs__.unwrap_or_default(),
                    error: error__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ClusterBroker", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ClusterLog {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.first != 0 {
            len += 1;
        }
        if self.last != 0 {
            len += 1;
        }
        if !self.leader.is_empty() {
            len += 1;
        }
        if !self.lagging.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ClusterLog", len)?;
        if self.first != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("first", ToString::to_string(&self.first).as_str())?;
        }
        if self.last != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("last", ToString::to_string(&self.last).as_str())?;
        }
        if !self.leader.is_empty() {
            struct_ser.serialize_field("leader", &self.leader)?;
        }
        if !self.lagging.is_empty() {
            struct_ser.serialize_field("lagging", &self.lagging)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ClusterLog {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "first",
            "last",
            "leader",
            "lagging",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            First,
            Last,
            Leader,
            Lagging,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "first" => Ok(GeneratedField::First),
                            "last" => Ok(GeneratedField::Last),
                            "leader" => Ok(GeneratedField::Leader),
                            "lagging" => Ok(GeneratedField::Lagging),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ClusterLog;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ClusterLog")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ClusterLog, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut first__ = None;
                let mut last__ = None;
                let mut leader__ = None;
                let mut lagging__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::First => {
                            if first__.is_some() {
                                return Err(serde::de::Error::duplicate_field("first"));
                            }
                            first__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Last => {
                            if last__.is_some() {
                                return Err(serde::de::Error::duplicate_field("last"));
                            }
                            last__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Leader => {
                            if leader__.is_some() {
                                return Err(serde::de::Error::duplicate_field("leader"));
                            }
                            leader__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Lagging => {
                            if lagging__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lagging"));
                            }
                            lagging__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ClusterLog {
                    first: first__.unwrap_or_default(),
                    last: last__.unwrap_or_default(),
                    leader: leader__.unwrap_or_default(),
                    lagging: lagging__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ClusterLog", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ClusterNode {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.address.is_empty() {
            len += 1;
        }
        if self.applied != 0 {
            len += 1;
        }
        if self.lag != 0 {
            len += 1;
        }
        if self.state != 0 {
            len += 1;
        }
        if !self.fault.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        if self.clock_offset_us != 0 {
            len += 1;
        }
        if !self.blocked.is_empty() {
            len += 1;
        }
        if self.max_format != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ClusterNode", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.address.is_empty() {
            struct_ser.serialize_field("address", &self.address)?;
        }
        if self.applied != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("applied", ToString::to_string(&self.applied).as_str())?;
        }
        if self.lag != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("lag", ToString::to_string(&self.lag).as_str())?;
        }
        if self.state != 0 {
            let v = cluster_node::State::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if !self.fault.is_empty() {
            struct_ser.serialize_field("fault", &self.fault)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if self.clock_offset_us != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("clockOffsetUs", ToString::to_string(&self.clock_offset_us).as_str())?;
        }
        if !self.blocked.is_empty() {
            struct_ser.serialize_field("blocked", &self.blocked)?;
        }
        if self.max_format != 0 {
            struct_ser.serialize_field("maxFormat", &self.max_format)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ClusterNode {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "address",
            "applied",
            "lag",
            "state",
            "fault",
            "revision",
            "clock_offset_us",
            "clockOffsetUs",
            "blocked",
            "max_format",
            "maxFormat",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Address,
            Applied,
            Lag,
            State,
            Fault,
            Revision,
            ClockOffsetUs,
            Blocked,
            MaxFormat,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "address" => Ok(GeneratedField::Address),
                            "applied" => Ok(GeneratedField::Applied),
                            "lag" => Ok(GeneratedField::Lag),
                            "state" => Ok(GeneratedField::State),
                            "fault" => Ok(GeneratedField::Fault),
                            "revision" => Ok(GeneratedField::Revision),
                            "clockOffsetUs" | "clock_offset_us" => Ok(GeneratedField::ClockOffsetUs),
                            "blocked" => Ok(GeneratedField::Blocked),
                            "maxFormat" | "max_format" => Ok(GeneratedField::MaxFormat),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ClusterNode;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ClusterNode")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ClusterNode, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut address__ = None;
                let mut applied__ = None;
                let mut lag__ = None;
                let mut state__ = None;
                let mut fault__ = None;
                let mut revision__ = None;
                let mut clock_offset_us__ = None;
                let mut blocked__ = None;
                let mut max_format__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Address => {
                            if address__.is_some() {
                                return Err(serde::de::Error::duplicate_field("address"));
                            }
                            address__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Applied => {
                            if applied__.is_some() {
                                return Err(serde::de::Error::duplicate_field("applied"));
                            }
                            applied__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Lag => {
                            if lag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lag"));
                            }
                            lag__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<cluster_node::State>()? as i32);
                        }
                        GeneratedField::Fault => {
                            if fault__.is_some() {
                                return Err(serde::de::Error::duplicate_field("fault"));
                            }
                            fault__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ClockOffsetUs => {
                            if clock_offset_us__.is_some() {
                                return Err(serde::de::Error::duplicate_field("clockOffsetUs"));
                            }
                            clock_offset_us__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Blocked => {
                            if blocked__.is_some() {
                                return Err(serde::de::Error::duplicate_field("blocked"));
                            }
                            blocked__ = Some(map_.next_value()?);
                        }
                        GeneratedField::MaxFormat => {
                            if max_format__.is_some() {
                                return Err(serde::de::Error::duplicate_field("maxFormat"));
                            }
                            max_format__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(ClusterNode {
                    name: name__.unwrap_or_default(),
                    address: address__.unwrap_or_default(),
                    applied: applied__.unwrap_or_default(),
                    lag: lag__.unwrap_or_default(),
                    state: state__.unwrap_or_default(),
                    fault: fault__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                    clock_offset_us: clock_offset_us__.unwrap_or_default(),
                    blocked: blocked__.unwrap_or_default(),
                    max_format: max_format__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ClusterNode", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for cluster_node::State {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "STATE_UNSPECIFIED",
            Self::Joining => "STATE_JOINING",
            Self::CatchingUp => "STATE_CATCHING_UP",
            Self::Serving => "STATE_SERVING",
            Self::NoQuorum => "STATE_NO_QUORUM",
            Self::Draining => "STATE_DRAINING",
            Self::Faulty => "STATE_FAULTY",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for cluster_node::State {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "STATE_UNSPECIFIED",
            "STATE_JOINING",
            "STATE_CATCHING_UP",
            "STATE_SERVING",
            "STATE_NO_QUORUM",
            "STATE_DRAINING",
            "STATE_FAULTY",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = cluster_node::State;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "STATE_UNSPECIFIED" => Ok(cluster_node::State::Unspecified),
                    "STATE_JOINING" => Ok(cluster_node::State::Joining),
                    "STATE_CATCHING_UP" => Ok(cluster_node::State::CatchingUp),
                    "STATE_SERVING" => Ok(cluster_node::State::Serving),
                    "STATE_NO_QUORUM" => Ok(cluster_node::State::NoQuorum),
                    "STATE_DRAINING" => Ok(cluster_node::State::Draining),
                    "STATE_FAULTY" => Ok(cluster_node::State::Faulty),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for CoordinateSystem {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "COORDINATE_SYSTEM_UNSPECIFIED",
            Self::Wgs84 => "COORDINATE_SYSTEM_WGS84",
            Self::Gcj02 => "COORDINATE_SYSTEM_GCJ02",
            Self::Bd09 => "COORDINATE_SYSTEM_BD09",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for CoordinateSystem {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "COORDINATE_SYSTEM_UNSPECIFIED",
            "COORDINATE_SYSTEM_WGS84",
            "COORDINATE_SYSTEM_GCJ02",
            "COORDINATE_SYSTEM_BD09",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = CoordinateSystem;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "COORDINATE_SYSTEM_UNSPECIFIED" => Ok(CoordinateSystem::Unspecified),
                    "COORDINATE_SYSTEM_WGS84" => Ok(CoordinateSystem::Wgs84),
                    "COORDINATE_SYSTEM_GCJ02" => Ok(CoordinateSystem::Gcj02),
                    "COORDINATE_SYSTEM_BD09" => Ok(CoordinateSystem::Bd09),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for CreateMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.merchant.is_some() {
            len += 1;
        }
        if !self.merchant_id.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.CreateMerchantRequest", len)?;
        if let Some(v) = self.merchant.as_ref() {
            struct_ser.serialize_field("merchant", v)?;
        }
        if !self.merchant_id.is_empty() {
            struct_ser.serialize_field("merchantId", &self.merchant_id)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for CreateMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchant",
            "merchant_id",
            "merchantId",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchant,
            MerchantId,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchant" => Ok(GeneratedField::Merchant),
                            "merchantId" | "merchant_id" => Ok(GeneratedField::MerchantId),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = CreateMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.CreateMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<CreateMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchant__ = None;
                let mut merchant_id__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchant => {
                            if merchant__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchant"));
                            }
                            merchant__ = map_.next_value()?;
                        }
                        GeneratedField::MerchantId => {
                            if merchant_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchantId"));
                            }
                            merchant_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(CreateMerchantRequest {
                    merchant: merchant__,
                    merchant_id: merchant_id__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.CreateMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for DayPeriod {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.start_minute != 0 {
            len += 1;
        }
        if self.length_minutes != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.DayPeriod", len)?;
        if self.start_minute != 0 {
            struct_ser.serialize_field("startMinute", &self.start_minute)?;
        }
        if self.length_minutes != 0 {
            struct_ser.serialize_field("lengthMinutes", &self.length_minutes)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for DayPeriod {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "start_minute",
            "startMinute",
            "length_minutes",
            "lengthMinutes",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            StartMinute,
            LengthMinutes,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "startMinute" | "start_minute" => Ok(GeneratedField::StartMinute),
                            "lengthMinutes" | "length_minutes" => Ok(GeneratedField::LengthMinutes),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = DayPeriod;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.DayPeriod")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<DayPeriod, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut start_minute__ = None;
                let mut length_minutes__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::StartMinute => {
                            if start_minute__.is_some() {
                                return Err(serde::de::Error::duplicate_field("startMinute"));
                            }
                            start_minute__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LengthMinutes => {
                            if length_minutes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lengthMinutes"));
                            }
                            length_minutes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(DayPeriod {
                    start_minute: start_minute__.unwrap_or_default(),
                    length_minutes: length_minutes__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.DayPeriod", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for DeleteMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.etag.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.DeleteMerchantRequest", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.etag.is_empty() {
            struct_ser.serialize_field("etag", &self.etag)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for DeleteMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "etag",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Etag,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "etag" => Ok(GeneratedField::Etag),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = DeleteMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.DeleteMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<DeleteMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut etag__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Etag => {
                            if etag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("etag"));
                            }
                            etag__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(DeleteMerchantRequest {
                    name: name__.unwrap_or_default(),
                    etag: etag__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.DeleteMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for DensityCell {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.h3_index.is_empty() {
            len += 1;
        }
        if self.merchant_count != 0 {
            len += 1;
        }
        if self.center.is_some() {
            len += 1;
        }
        if !self.outline.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.DensityCell", len)?;
        if !self.h3_index.is_empty() {
            struct_ser.serialize_field("h3Index", &self.h3_index)?;
        }
        if self.merchant_count != 0 {
            struct_ser.serialize_field("merchantCount", &self.merchant_count)?;
        }
        if let Some(v) = self.center.as_ref() {
            struct_ser.serialize_field("center", v)?;
        }
        if !self.outline.is_empty() {
            struct_ser.serialize_field("outline", &self.outline)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for DensityCell {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "h3_index",
            "h3Index",
            "merchant_count",
            "merchantCount",
            "center",
            "outline",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            H3Index,
            MerchantCount,
            Center,
            Outline,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "h3Index" | "h3_index" => Ok(GeneratedField::H3Index),
                            "merchantCount" | "merchant_count" => Ok(GeneratedField::MerchantCount),
                            "center" => Ok(GeneratedField::Center),
                            "outline" => Ok(GeneratedField::Outline),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = DensityCell;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.DensityCell")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<DensityCell, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut h3_index__ = None;
                let mut merchant_count__ = None;
                let mut center__ = None;
                let mut outline__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::H3Index => {
                            if h3_index__.is_some() {
                                return Err(serde::de::Error::duplicate_field("h3Index"));
                            }
                            h3_index__ = Some(map_.next_value()?);
                        }
                        GeneratedField::MerchantCount => {
                            if merchant_count__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchantCount"));
                            }
                            merchant_count__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Center => {
                            if center__.is_some() {
                                return Err(serde::de::Error::duplicate_field("center"));
                            }
                            center__ = map_.next_value()?;
                        }
                        GeneratedField::Outline => {
                            if outline__.is_some() {
                                return Err(serde::de::Error::duplicate_field("outline"));
                            }
                            outline__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(DensityCell {
                    h3_index: h3_index__.unwrap_or_default(),
                    merchant_count: merchant_count__.unwrap_or_default(),
                    center: center__,
                    outline: outline__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.DensityCell", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Expansion {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.min_results != 0 {
            len += 1;
        }
        if self.max_radius_m.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Expansion", len)?;
        if self.min_results != 0 {
            struct_ser.serialize_field("minResults", &self.min_results)?;
        }
        if let Some(v) = self.max_radius_m.as_ref() {
            struct_ser.serialize_field("maxRadiusM", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Expansion {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "min_results",
            "minResults",
            "max_radius_m",
            "maxRadiusM",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            MinResults,
            MaxRadiusM,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "minResults" | "min_results" => Ok(GeneratedField::MinResults),
                            "maxRadiusM" | "max_radius_m" => Ok(GeneratedField::MaxRadiusM),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Expansion;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Expansion")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Expansion, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut min_results__ = None;
                let mut max_radius_m__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::MinResults => {
                            if min_results__.is_some() {
                                return Err(serde::de::Error::duplicate_field("minResults"));
                            }
                            min_results__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::MaxRadiusM => {
                            if max_radius_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("maxRadiusM"));
                            }
                            max_radius_m__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                    }
                }
                Ok(Expansion {
                    min_results: min_results__.unwrap_or_default(),
                    max_radius_m: max_radius_m__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Expansion", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ExportMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.filter.is_some() {
            len += 1;
        }
        if self.view != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ExportMerchantsRequest", len)?;
        if let Some(v) = self.filter.as_ref() {
            struct_ser.serialize_field("filter", v)?;
        }
        if self.view != 0 {
            let v = MerchantView::try_from(self.view)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.view)))?;
            struct_ser.serialize_field("view", &v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ExportMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "filter",
            "view",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Filter,
            View,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "filter" => Ok(GeneratedField::Filter),
                            "view" => Ok(GeneratedField::View),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ExportMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ExportMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ExportMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut filter__ = None;
                let mut view__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Filter => {
                            if filter__.is_some() {
                                return Err(serde::de::Error::duplicate_field("filter"));
                            }
                            filter__ = map_.next_value()?;
                        }
                        GeneratedField::View => {
                            if view__.is_some() {
                                return Err(serde::de::Error::duplicate_field("view"));
                            }
                            view__ = Some(map_.next_value::<MerchantView>()? as i32);
                        }
                    }
                }
                Ok(ExportMerchantsRequest {
                    filter: filter__,
                    view: view__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ExportMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ExportMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.merchants.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        if !self.history_id.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ExportMerchantsResponse", len)?;
        if !self.merchants.is_empty() {
            struct_ser.serialize_field("merchants", &self.merchants)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if !self.history_id.is_empty() {
            struct_ser.serialize_field("historyId", &self.history_id)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ExportMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchants",
            "revision",
            "history_id",
            "historyId",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchants,
            Revision,
            HistoryId,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchants" => Ok(GeneratedField::Merchants),
                            "revision" => Ok(GeneratedField::Revision),
                            "historyId" | "history_id" => Ok(GeneratedField::HistoryId),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ExportMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ExportMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ExportMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchants__ = None;
                let mut revision__ = None;
                let mut history_id__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchants => {
                            if merchants__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchants"));
                            }
                            merchants__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::HistoryId => {
                            if history_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("historyId"));
                            }
                            history_id__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ExportMerchantsResponse {
                    merchants: merchants__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                    history_id: history_id__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ExportMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ExternalId {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.system.is_empty() {
            len += 1;
        }
        if !self.id.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ExternalId", len)?;
        if !self.system.is_empty() {
            struct_ser.serialize_field("system", &self.system)?;
        }
        if !self.id.is_empty() {
            struct_ser.serialize_field("id", &self.id)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ExternalId {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "system",
            "id",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            System,
            Id,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "system" => Ok(GeneratedField::System),
                            "id" => Ok(GeneratedField::Id),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ExternalId;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ExternalId")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ExternalId, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut system__ = None;
                let mut id__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::System => {
                            if system__.is_some() {
                                return Err(serde::de::Error::duplicate_field("system"));
                            }
                            system__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Id => {
                            if id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("id"));
                            }
                            id__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ExternalId {
                    system: system__.unwrap_or_default(),
                    id: id__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ExternalId", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetClusterStatusRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let len = 0;
        let struct_ser = serializer.serialize_struct("nearby.v1.GetClusterStatusRequest", len)?;
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetClusterStatusRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                            Err(serde::de::Error::unknown_field(value, FIELDS))
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetClusterStatusRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.GetClusterStatusRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetClusterStatusRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                while map_.next_key::<GeneratedField>()?.is_some() {
                    let _ = map_.next_value::<serde::de::IgnoredAny>()?;
                }
                Ok(GetClusterStatusRequest {
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.GetClusterStatusRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetClusterStatusResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.cluster_id.is_empty() {
            len += 1;
        }
        if !self.stream.is_empty() {
            len += 1;
        }
        if !self.node.is_empty() {
            len += 1;
        }
        if !self.nodes.is_empty() {
            len += 1;
        }
        if self.log.is_some() {
            len += 1;
        }
        if !self.brokers.is_empty() {
            len += 1;
        }
        if self.format != 0 {
            len += 1;
        }
        if self.has_lost_redundancy {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.GetClusterStatusResponse", len)?;
        if !self.cluster_id.is_empty() {
            struct_ser.serialize_field("clusterId", &self.cluster_id)?;
        }
        if !self.stream.is_empty() {
            struct_ser.serialize_field("stream", &self.stream)?;
        }
        if !self.node.is_empty() {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if !self.nodes.is_empty() {
            struct_ser.serialize_field("nodes", &self.nodes)?;
        }
        if let Some(v) = self.log.as_ref() {
            struct_ser.serialize_field("log", v)?;
        }
        if !self.brokers.is_empty() {
            struct_ser.serialize_field("brokers", &self.brokers)?;
        }
        if self.format != 0 {
            struct_ser.serialize_field("format", &self.format)?;
        }
        if self.has_lost_redundancy {
            struct_ser.serialize_field("hasLostRedundancy", &self.has_lost_redundancy)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetClusterStatusResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "cluster_id",
            "clusterId",
            "stream",
            "node",
            "nodes",
            "log",
            "brokers",
            "format",
            "has_lost_redundancy",
            "hasLostRedundancy",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            ClusterId,
            Stream,
            Node,
            Nodes,
            Log,
            Brokers,
            Format,
            HasLostRedundancy,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "clusterId" | "cluster_id" => Ok(GeneratedField::ClusterId),
                            "stream" => Ok(GeneratedField::Stream),
                            "node" => Ok(GeneratedField::Node),
                            "nodes" => Ok(GeneratedField::Nodes),
                            "log" => Ok(GeneratedField::Log),
                            "brokers" => Ok(GeneratedField::Brokers),
                            "format" => Ok(GeneratedField::Format),
                            "hasLostRedundancy" | "has_lost_redundancy" => Ok(GeneratedField::HasLostRedundancy),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetClusterStatusResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.GetClusterStatusResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetClusterStatusResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut cluster_id__ = None;
                let mut stream__ = None;
                let mut node__ = None;
                let mut nodes__ = None;
                let mut log__ = None;
                let mut brokers__ = None;
                let mut format__ = None;
                let mut has_lost_redundancy__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::ClusterId => {
                            if cluster_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("clusterId"));
                            }
                            cluster_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Stream => {
                            if stream__.is_some() {
                                return Err(serde::de::Error::duplicate_field("stream"));
                            }
                            stream__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Nodes => {
                            if nodes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nodes"));
                            }
                            nodes__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Log => {
                            if log__.is_some() {
                                return Err(serde::de::Error::duplicate_field("log"));
                            }
                            log__ = map_.next_value()?;
                        }
                        GeneratedField::Brokers => {
                            if brokers__.is_some() {
                                return Err(serde::de::Error::duplicate_field("brokers"));
                            }
                            brokers__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Format => {
                            if format__.is_some() {
                                return Err(serde::de::Error::duplicate_field("format"));
                            }
                            format__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::HasLostRedundancy => {
                            if has_lost_redundancy__.is_some() {
                                return Err(serde::de::Error::duplicate_field("hasLostRedundancy"));
                            }
                            has_lost_redundancy__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(GetClusterStatusResponse {
                    cluster_id: cluster_id__.unwrap_or_default(),
                    stream: stream__.unwrap_or_default(),
                    node: node__.unwrap_or_default(),
                    nodes: nodes__.unwrap_or_default(),
                    log: log__,
                    brokers: brokers__.unwrap_or_default(),
                    format: format__.unwrap_or_default(),
                    has_lost_redundancy: has_lost_redundancy__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.GetClusterStatusResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetDensityRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.resolution != 0 {
            len += 1;
        }
        if self.filter.is_some() {
            len += 1;
        }
        if self.output_coordinate_system != 0 {
            len += 1;
        }
        if self.area.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.GetDensityRequest", len)?;
        if self.resolution != 0 {
            struct_ser.serialize_field("resolution", &self.resolution)?;
        }
        if let Some(v) = self.filter.as_ref() {
            struct_ser.serialize_field("filter", v)?;
        }
        if self.output_coordinate_system != 0 {
            let v = CoordinateSystem::try_from(self.output_coordinate_system)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.output_coordinate_system)))?;
            struct_ser.serialize_field("outputCoordinateSystem", &v)?;
        }
        if let Some(v) = self.area.as_ref() {
            match v {
                get_density_request::Area::Circle(v) => {
                    struct_ser.serialize_field("circle", v)?;
                }
                get_density_request::Area::Box(v) => {
                    struct_ser.serialize_field("box", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetDensityRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "resolution",
            "filter",
            "output_coordinate_system",
            "outputCoordinateSystem",
            "circle",
            "box",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Resolution,
            Filter,
            OutputCoordinateSystem,
            Circle,
            Box,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "resolution" => Ok(GeneratedField::Resolution),
                            "filter" => Ok(GeneratedField::Filter),
                            "outputCoordinateSystem" | "output_coordinate_system" => Ok(GeneratedField::OutputCoordinateSystem),
                            "circle" => Ok(GeneratedField::Circle),
                            "box" => Ok(GeneratedField::Box),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetDensityRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.GetDensityRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetDensityRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut resolution__ = None;
                let mut filter__ = None;
                let mut output_coordinate_system__ = None;
                let mut area__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Resolution => {
                            if resolution__.is_some() {
                                return Err(serde::de::Error::duplicate_field("resolution"));
                            }
                            resolution__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Filter => {
                            if filter__.is_some() {
                                return Err(serde::de::Error::duplicate_field("filter"));
                            }
                            filter__ = map_.next_value()?;
                        }
                        GeneratedField::OutputCoordinateSystem => {
                            if output_coordinate_system__.is_some() {
                                return Err(serde::de::Error::duplicate_field("outputCoordinateSystem"));
                            }
                            output_coordinate_system__ = Some(map_.next_value::<CoordinateSystem>()? as i32);
                        }
                        GeneratedField::Circle => {
                            if area__.is_some() {
                                return Err(serde::de::Error::duplicate_field("circle"));
                            }
                            area__ = map_.next_value::<::std::option::Option<_>>()?.map(get_density_request::Area::Circle)
;
                        }
                        GeneratedField::Box => {
                            if area__.is_some() {
                                return Err(serde::de::Error::duplicate_field("box"));
                            }
                            area__ = map_.next_value::<::std::option::Option<_>>()?.map(get_density_request::Area::Box)
;
                        }
                    }
                }
                Ok(GetDensityRequest {
                    resolution: resolution__.unwrap_or_default(),
                    filter: filter__,
                    output_coordinate_system: output_coordinate_system__.unwrap_or_default(),
                    area: area__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.GetDensityRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetDensityResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.cells.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        if self.total_size != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.GetDensityResponse", len)?;
        if !self.cells.is_empty() {
            struct_ser.serialize_field("cells", &self.cells)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if self.total_size != 0 {
            struct_ser.serialize_field("totalSize", &self.total_size)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetDensityResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "cells",
            "revision",
            "total_size",
            "totalSize",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Cells,
            Revision,
            TotalSize,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "cells" => Ok(GeneratedField::Cells),
                            "revision" => Ok(GeneratedField::Revision),
                            "totalSize" | "total_size" => Ok(GeneratedField::TotalSize),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetDensityResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.GetDensityResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetDensityResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut cells__ = None;
                let mut revision__ = None;
                let mut total_size__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Cells => {
                            if cells__.is_some() {
                                return Err(serde::de::Error::duplicate_field("cells"));
                            }
                            cells__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::TotalSize => {
                            if total_size__.is_some() {
                                return Err(serde::de::Error::duplicate_field("totalSize"));
                            }
                            total_size__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(GetDensityResponse {
                    cells: cells__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                    total_size: total_size__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.GetDensityResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for GetMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.GetMerchantRequest", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for GetMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = GetMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.GetMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<GetMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(GetMerchantRequest {
                    name: name__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.GetMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for HashContentsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.sequence != 0 {
            len += 1;
        }
        if self.advance {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.HashContentsRequest", len)?;
        if self.sequence != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("sequence", ToString::to_string(&self.sequence).as_str())?;
        }
        if self.advance {
            struct_ser.serialize_field("advance", &self.advance)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for HashContentsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "sequence",
            "advance",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Sequence,
            Advance,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "sequence" => Ok(GeneratedField::Sequence),
                            "advance" => Ok(GeneratedField::Advance),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = HashContentsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.HashContentsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<HashContentsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut sequence__ = None;
                let mut advance__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Sequence => {
                            if sequence__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sequence"));
                            }
                            sequence__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Advance => {
                            if advance__.is_some() {
                                return Err(serde::de::Error::duplicate_field("advance"));
                            }
                            advance__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(HashContentsRequest {
                    sequence: sequence__.unwrap_or_default(),
                    advance: advance__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.HashContentsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for HashContentsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.sequence != 0 {
            len += 1;
        }
        if !self.hash.is_empty() {
            len += 1;
        }
        if self.records != 0 {
            len += 1;
        }
        if !self.node.is_empty() {
            len += 1;
        }
        if !self.cluster_id.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.HashContentsResponse", len)?;
        if self.sequence != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("sequence", ToString::to_string(&self.sequence).as_str())?;
        }
        if !self.hash.is_empty() {
            struct_ser.serialize_field("hash", &self.hash)?;
        }
        if self.records != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("records", ToString::to_string(&self.records).as_str())?;
        }
        if !self.node.is_empty() {
            struct_ser.serialize_field("node", &self.node)?;
        }
        if !self.cluster_id.is_empty() {
            struct_ser.serialize_field("clusterId", &self.cluster_id)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for HashContentsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "sequence",
            "hash",
            "records",
            "node",
            "cluster_id",
            "clusterId",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Sequence,
            Hash,
            Records,
            Node,
            ClusterId,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "sequence" => Ok(GeneratedField::Sequence),
                            "hash" => Ok(GeneratedField::Hash),
                            "records" => Ok(GeneratedField::Records),
                            "node" => Ok(GeneratedField::Node),
                            "clusterId" | "cluster_id" => Ok(GeneratedField::ClusterId),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = HashContentsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.HashContentsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<HashContentsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut sequence__ = None;
                let mut hash__ = None;
                let mut records__ = None;
                let mut node__ = None;
                let mut cluster_id__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Sequence => {
                            if sequence__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sequence"));
                            }
                            sequence__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Hash => {
                            if hash__.is_some() {
                                return Err(serde::de::Error::duplicate_field("hash"));
                            }
                            hash__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Records => {
                            if records__.is_some() {
                                return Err(serde::de::Error::duplicate_field("records"));
                            }
                            records__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Node => {
                            if node__.is_some() {
                                return Err(serde::de::Error::duplicate_field("node"));
                            }
                            node__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ClusterId => {
                            if cluster_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("clusterId"));
                            }
                            cluster_id__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(HashContentsResponse {
                    sequence: sequence__.unwrap_or_default(),
                    hash: hash__.unwrap_or_default(),
                    records: records__.unwrap_or_default(),
                    node: node__.unwrap_or_default(),
                    cluster_id: cluster_id__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.HashContentsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for HealClusterRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let len = 0;
        let struct_ser = serializer.serialize_struct("nearby.v1.HealClusterRequest", len)?;
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for HealClusterRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                            Err(serde::de::Error::unknown_field(value, FIELDS))
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = HealClusterRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.HealClusterRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<HealClusterRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                while map_.next_key::<GeneratedField>()?.is_some() {
                    let _ = map_.next_value::<serde::de::IgnoredAny>()?;
                }
                Ok(HealClusterRequest {
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.HealClusterRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for HealClusterResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.republished != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.HealClusterResponse", len)?;
        if self.republished != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("republished", ToString::to_string(&self.republished).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for HealClusterResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "republished",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Republished,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "republished" => Ok(GeneratedField::Republished),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = HealClusterResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.HealClusterResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<HealClusterResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut republished__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Republished => {
                            if republished__.is_some() {
                                return Err(serde::de::Error::duplicate_field("republished"));
                            }
                            republished__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(HealClusterResponse {
                    republished: republished__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.HealClusterResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for HideMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.etag.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.HideMerchantRequest", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.etag.is_empty() {
            struct_ser.serialize_field("etag", &self.etag)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for HideMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "etag",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Etag,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "etag" => Ok(GeneratedField::Etag),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = HideMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.HideMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<HideMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut etag__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Etag => {
                            if etag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("etag"));
                            }
                            etag__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(HideMerchantRequest {
                    name: name__.unwrap_or_default(),
                    etag: etag__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.HideMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ImportMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.rows.is_empty() {
            len += 1;
        }
        if self.allow_null_island {
            len += 1;
        }
        if !self.update_masks.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ImportMerchantsRequest", len)?;
        if !self.rows.is_empty() {
            struct_ser.serialize_field("rows", &self.rows)?;
        }
        if self.allow_null_island {
            struct_ser.serialize_field("allowNullIsland", &self.allow_null_island)?;
        }
        if !self.update_masks.is_empty() {
            struct_ser.serialize_field("updateMasks", &self.update_masks)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ImportMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "rows",
            "allow_null_island",
            "allowNullIsland",
            "update_masks",
            "updateMasks",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Rows,
            AllowNullIsland,
            UpdateMasks,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "rows" => Ok(GeneratedField::Rows),
                            "allowNullIsland" | "allow_null_island" => Ok(GeneratedField::AllowNullIsland),
                            "updateMasks" | "update_masks" => Ok(GeneratedField::UpdateMasks),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ImportMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ImportMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ImportMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut rows__ = None;
                let mut allow_null_island__ = None;
                let mut update_masks__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Rows => {
                            if rows__.is_some() {
                                return Err(serde::de::Error::duplicate_field("rows"));
                            }
                            rows__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AllowNullIsland => {
                            if allow_null_island__.is_some() {
                                return Err(serde::de::Error::duplicate_field("allowNullIsland"));
                            }
                            allow_null_island__ = Some(map_.next_value()?);
                        }
                        GeneratedField::UpdateMasks => {
                            if update_masks__.is_some() {
                                return Err(serde::de::Error::duplicate_field("updateMasks"));
                            }
                            update_masks__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ImportMerchantsRequest {
                    rows: rows__.unwrap_or_default(),
                    allow_null_island: allow_null_island__.unwrap_or_default(),
                    update_masks: update_masks__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ImportMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ImportMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.outcomes.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ImportMerchantsResponse", len)?;
        if !self.outcomes.is_empty() {
            struct_ser.serialize_field("outcomes", &self.outcomes)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ImportMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "outcomes",
            "revision",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Outcomes,
            Revision,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "outcomes" => Ok(GeneratedField::Outcomes),
                            "revision" => Ok(GeneratedField::Revision),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ImportMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ImportMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ImportMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut outcomes__ = None;
                let mut revision__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Outcomes => {
                            if outcomes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("outcomes"));
                            }
                            outcomes__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(ImportMerchantsResponse {
                    outcomes: outcomes__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ImportMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ImportOutcome {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.row_number != 0 {
            len += 1;
        }
        if self.state != 0 {
            len += 1;
        }
        if !self.violations.is_empty() {
            len += 1;
        }
        if !self.previous_source.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ImportOutcome", len)?;
        if self.row_number != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("rowNumber", ToString::to_string(&self.row_number).as_str())?;
        }
        if self.state != 0 {
            let v = ImportState::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if !self.violations.is_empty() {
            struct_ser.serialize_field("violations", &self.violations)?;
        }
        if !self.previous_source.is_empty() {
            struct_ser.serialize_field("previousSource", &self.previous_source)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ImportOutcome {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "row_number",
            "rowNumber",
            "state",
            "violations",
            "previous_source",
            "previousSource",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            RowNumber,
            State,
            Violations,
            PreviousSource,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "rowNumber" | "row_number" => Ok(GeneratedField::RowNumber),
                            "state" => Ok(GeneratedField::State),
                            "violations" => Ok(GeneratedField::Violations),
                            "previousSource" | "previous_source" => Ok(GeneratedField::PreviousSource),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ImportOutcome;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ImportOutcome")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ImportOutcome, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut row_number__ = None;
                let mut state__ = None;
                let mut violations__ = None;
                let mut previous_source__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::RowNumber => {
                            if row_number__.is_some() {
                                return Err(serde::de::Error::duplicate_field("rowNumber"));
                            }
                            row_number__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<ImportState>()? as i32);
                        }
                        GeneratedField::Violations => {
                            if violations__.is_some() {
                                return Err(serde::de::Error::duplicate_field("violations"));
                            }
                            violations__ = Some(map_.next_value()?);
                        }
                        GeneratedField::PreviousSource => {
                            if previous_source__.is_some() {
                                return Err(serde::de::Error::duplicate_field("previousSource"));
                            }
                            previous_source__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ImportOutcome {
                    row_number: row_number__.unwrap_or_default(),
                    state: state__.unwrap_or_default(),
                    violations: violations__.unwrap_or_default(),
                    previous_source: previous_source__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ImportOutcome", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ImportRow {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.row_number != 0 {
            len += 1;
        }
        if self.merchant.is_some() {
            len += 1;
        }
        if self.update_mask_index != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ImportRow", len)?;
        if self.row_number != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("rowNumber", ToString::to_string(&self.row_number).as_str())?;
        }
        if let Some(v) = self.merchant.as_ref() {
            struct_ser.serialize_field("merchant", v)?;
        }
        if self.update_mask_index != 0 {
            struct_ser.serialize_field("updateMaskIndex", &self.update_mask_index)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ImportRow {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "row_number",
            "rowNumber",
            "merchant",
            "update_mask_index",
            "updateMaskIndex",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            RowNumber,
            Merchant,
            UpdateMaskIndex,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "rowNumber" | "row_number" => Ok(GeneratedField::RowNumber),
                            "merchant" => Ok(GeneratedField::Merchant),
                            "updateMaskIndex" | "update_mask_index" => Ok(GeneratedField::UpdateMaskIndex),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ImportRow;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ImportRow")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ImportRow, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut row_number__ = None;
                let mut merchant__ = None;
                let mut update_mask_index__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::RowNumber => {
                            if row_number__.is_some() {
                                return Err(serde::de::Error::duplicate_field("rowNumber"));
                            }
                            row_number__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Merchant => {
                            if merchant__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchant"));
                            }
                            merchant__ = map_.next_value()?;
                        }
                        GeneratedField::UpdateMaskIndex => {
                            if update_mask_index__.is_some() {
                                return Err(serde::de::Error::duplicate_field("updateMaskIndex"));
                            }
                            update_mask_index__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(ImportRow {
                    row_number: row_number__.unwrap_or_default(),
                    merchant: merchant__,
                    update_mask_index: update_mask_index__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ImportRow", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ImportState {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "IMPORT_STATE_UNSPECIFIED",
            Self::Created => "IMPORT_STATE_CREATED",
            Self::Updated => "IMPORT_STATE_UPDATED",
            Self::Rejected => "IMPORT_STATE_REJECTED",
            Self::Unchanged => "IMPORT_STATE_UNCHANGED",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for ImportState {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "IMPORT_STATE_UNSPECIFIED",
            "IMPORT_STATE_CREATED",
            "IMPORT_STATE_UPDATED",
            "IMPORT_STATE_REJECTED",
            "IMPORT_STATE_UNCHANGED",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = ImportState;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "IMPORT_STATE_UNSPECIFIED" => Ok(ImportState::Unspecified),
                    "IMPORT_STATE_CREATED" => Ok(ImportState::Created),
                    "IMPORT_STATE_UPDATED" => Ok(ImportState::Updated),
                    "IMPORT_STATE_REJECTED" => Ok(ImportState::Rejected),
                    "IMPORT_STATE_UNCHANGED" => Ok(ImportState::Unchanged),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for ImportViolation {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.field.is_empty() {
            len += 1;
        }
        if !self.reason.is_empty() {
            len += 1;
        }
        if !self.description.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ImportViolation", len)?;
        if !self.field.is_empty() {
            struct_ser.serialize_field("field", &self.field)?;
        }
        if !self.reason.is_empty() {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        if !self.description.is_empty() {
            struct_ser.serialize_field("description", &self.description)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ImportViolation {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "field",
            "reason",
            "description",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Field,
            Reason,
            Description,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "field" => Ok(GeneratedField::Field),
                            "reason" => Ok(GeneratedField::Reason),
                            "description" => Ok(GeneratedField::Description),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ImportViolation;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ImportViolation")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ImportViolation, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut field__ = None;
                let mut reason__ = None;
                let mut description__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Field => {
                            if field__.is_some() {
                                return Err(serde::de::Error::duplicate_field("field"));
                            }
                            field__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Description => {
                            if description__.is_some() {
                                return Err(serde::de::Error::duplicate_field("description"));
                            }
                            description__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ImportViolation {
                    field: field__.unwrap_or_default(),
                    reason: reason__.unwrap_or_default(),
                    description: description__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ImportViolation", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for LabelCondition {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.key.is_empty() {
            len += 1;
        }
        if self.value.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.LabelCondition", len)?;
        if !self.key.is_empty() {
            struct_ser.serialize_field("key", &self.key)?;
        }
        if let Some(v) = self.value.as_ref() {
            struct_ser.serialize_field("value", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for LabelCondition {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "key",
            "value",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Key,
            Value,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "key" => Ok(GeneratedField::Key),
                            "value" => Ok(GeneratedField::Value),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = LabelCondition;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.LabelCondition")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<LabelCondition, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut key__ = None;
                let mut value__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Key => {
                            if key__.is_some() {
                                return Err(serde::de::Error::duplicate_field("key"));
                            }
                            key__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Value => {
                            if value__.is_some() {
                                return Err(serde::de::Error::duplicate_field("value"));
                            }
                            value__ = map_.next_value()?;
                        }
                    }
                }
                Ok(LabelCondition {
                    key: key__.unwrap_or_default(),
                    value: value__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.LabelCondition", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for LatLngBox {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.south_west.is_some() {
            len += 1;
        }
        if self.north_east.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.LatLngBox", len)?;
        if let Some(v) = self.south_west.as_ref() {
            struct_ser.serialize_field("southWest", v)?;
        }
        if let Some(v) = self.north_east.as_ref() {
            struct_ser.serialize_field("northEast", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for LatLngBox {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "south_west",
            "southWest",
            "north_east",
            "northEast",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            SouthWest,
            NorthEast,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "southWest" | "south_west" => Ok(GeneratedField::SouthWest),
                            "northEast" | "north_east" => Ok(GeneratedField::NorthEast),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = LatLngBox;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.LatLngBox")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<LatLngBox, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut south_west__ = None;
                let mut north_east__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::SouthWest => {
                            if south_west__.is_some() {
                                return Err(serde::de::Error::duplicate_field("southWest"));
                            }
                            south_west__ = map_.next_value()?;
                        }
                        GeneratedField::NorthEast => {
                            if north_east__.is_some() {
                                return Err(serde::de::Error::duplicate_field("northEast"));
                            }
                            north_east__ = map_.next_value()?;
                        }
                    }
                }
                Ok(LatLngBox {
                    south_west: south_west__,
                    north_east: north_east__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.LatLngBox", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ListMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.page_size != 0 {
            len += 1;
        }
        if !self.page_token.is_empty() {
            len += 1;
        }
        if self.filter.is_some() {
            len += 1;
        }
        if self.view != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ListMerchantsRequest", len)?;
        if self.page_size != 0 {
            struct_ser.serialize_field("pageSize", &self.page_size)?;
        }
        if !self.page_token.is_empty() {
            struct_ser.serialize_field("pageToken", &self.page_token)?;
        }
        if let Some(v) = self.filter.as_ref() {
            struct_ser.serialize_field("filter", v)?;
        }
        if self.view != 0 {
            let v = MerchantView::try_from(self.view)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.view)))?;
            struct_ser.serialize_field("view", &v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ListMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "page_size",
            "pageSize",
            "page_token",
            "pageToken",
            "filter",
            "view",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            PageSize,
            PageToken,
            Filter,
            View,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "pageSize" | "page_size" => Ok(GeneratedField::PageSize),
                            "pageToken" | "page_token" => Ok(GeneratedField::PageToken),
                            "filter" => Ok(GeneratedField::Filter),
                            "view" => Ok(GeneratedField::View),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ListMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ListMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ListMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut page_size__ = None;
                let mut page_token__ = None;
                let mut filter__ = None;
                let mut view__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::PageSize => {
                            if page_size__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pageSize"));
                            }
                            page_size__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::PageToken => {
                            if page_token__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pageToken"));
                            }
                            page_token__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Filter => {
                            if filter__.is_some() {
                                return Err(serde::de::Error::duplicate_field("filter"));
                            }
                            filter__ = map_.next_value()?;
                        }
                        GeneratedField::View => {
                            if view__.is_some() {
                                return Err(serde::de::Error::duplicate_field("view"));
                            }
                            view__ = Some(map_.next_value::<MerchantView>()? as i32);
                        }
                    }
                }
                Ok(ListMerchantsRequest {
                    page_size: page_size__.unwrap_or_default(),
                    page_token: page_token__.unwrap_or_default(),
                    filter: filter__,
                    view: view__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ListMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ListMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.merchants.is_empty() {
            len += 1;
        }
        if !self.next_page_token.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ListMerchantsResponse", len)?;
        if !self.merchants.is_empty() {
            struct_ser.serialize_field("merchants", &self.merchants)?;
        }
        if !self.next_page_token.is_empty() {
            struct_ser.serialize_field("nextPageToken", &self.next_page_token)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ListMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchants",
            "next_page_token",
            "nextPageToken",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchants,
            NextPageToken,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchants" => Ok(GeneratedField::Merchants),
                            "nextPageToken" | "next_page_token" => Ok(GeneratedField::NextPageToken),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ListMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ListMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ListMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchants__ = None;
                let mut next_page_token__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchants => {
                            if merchants__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchants"));
                            }
                            merchants__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NextPageToken => {
                            if next_page_token__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nextPageToken"));
                            }
                            next_page_token__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ListMerchantsResponse {
                    merchants: merchants__.unwrap_or_default(),
                    next_page_token: next_page_token__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ListMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for LocalizedName {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.text.is_empty() {
            len += 1;
        }
        if !self.language_code.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.LocalizedName", len)?;
        if !self.text.is_empty() {
            struct_ser.serialize_field("text", &self.text)?;
        }
        if !self.language_code.is_empty() {
            struct_ser.serialize_field("languageCode", &self.language_code)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for LocalizedName {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "text",
            "language_code",
            "languageCode",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Text,
            LanguageCode,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "text" => Ok(GeneratedField::Text),
                            "languageCode" | "language_code" => Ok(GeneratedField::LanguageCode),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = LocalizedName;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.LocalizedName")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<LocalizedName, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut text__ = None;
                let mut language_code__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Text => {
                            if text__.is_some() {
                                return Err(serde::de::Error::duplicate_field("text"));
                            }
                            text__ = Some(map_.next_value()?);
                        }
                        GeneratedField::LanguageCode => {
                            if language_code__.is_some() {
                                return Err(serde::de::Error::duplicate_field("languageCode"));
                            }
                            language_code__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(LocalizedName {
                    text: text__.unwrap_or_default(),
                    language_code: language_code__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.LocalizedName", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Merchant {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.etag.is_empty() {
            len += 1;
        }
        if !self.display_name.is_empty() {
            len += 1;
        }
        if !self.brand.is_empty() {
            len += 1;
        }
        if !self.categories.is_empty() {
            len += 1;
        }
        if !self.services.is_empty() {
            len += 1;
        }
        if self.position.is_some() {
            len += 1;
        }
        if self.wgs84_position.is_some() {
            len += 1;
        }
        if self.address.is_some() {
            len += 1;
        }
        if !self.phone.is_empty() {
            len += 1;
        }
        if self.opening_hours.is_some() {
            len += 1;
        }
        if !self.photos.is_empty() {
            len += 1;
        }
        if self.mini_program.is_some() {
            len += 1;
        }
        if self.visibility != 0 {
            len += 1;
        }
        if self.business_status != 0 {
            len += 1;
        }
        if self.reopening_date.is_some() {
            len += 1;
        }
        if self.valid_from.is_some() {
            len += 1;
        }
        if self.valid_until.is_some() {
            len += 1;
        }
        if self.review.is_some() {
            len += 1;
        }
        if !self.external_ids.is_empty() {
            len += 1;
        }
        if !self.labels.is_empty() {
            len += 1;
        }
        if !self.website_uri.is_empty() {
            len += 1;
        }
        if !self.attributes.is_empty() {
            len += 1;
        }
        if !self.localized_names.is_empty() {
            len += 1;
        }
        if !self.service_links.is_empty() {
            len += 1;
        }
        if !self.source.is_empty() {
            len += 1;
        }
        if self.service_area.is_some() {
            len += 1;
        }
        if self.create_time.is_some() {
            len += 1;
        }
        if self.update_time.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Merchant", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.etag.is_empty() {
            struct_ser.serialize_field("etag", &self.etag)?;
        }
        if !self.display_name.is_empty() {
            struct_ser.serialize_field("displayName", &self.display_name)?;
        }
        if !self.brand.is_empty() {
            struct_ser.serialize_field("brand", &self.brand)?;
        }
        if !self.categories.is_empty() {
            struct_ser.serialize_field("categories", &self.categories)?;
        }
        if !self.services.is_empty() {
            struct_ser.serialize_field("services", &self.services)?;
        }
        if let Some(v) = self.position.as_ref() {
            struct_ser.serialize_field("position", v)?;
        }
        if let Some(v) = self.wgs84_position.as_ref() {
            struct_ser.serialize_field("wgs84Position", v)?;
        }
        if let Some(v) = self.address.as_ref() {
            struct_ser.serialize_field("address", v)?;
        }
        if !self.phone.is_empty() {
            struct_ser.serialize_field("phone", &self.phone)?;
        }
        if let Some(v) = self.opening_hours.as_ref() {
            struct_ser.serialize_field("openingHours", v)?;
        }
        if !self.photos.is_empty() {
            struct_ser.serialize_field("photos", &self.photos)?;
        }
        if let Some(v) = self.mini_program.as_ref() {
            struct_ser.serialize_field("miniProgram", v)?;
        }
        if self.visibility != 0 {
            let v = Visibility::try_from(self.visibility)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.visibility)))?;
            struct_ser.serialize_field("visibility", &v)?;
        }
        if self.business_status != 0 {
            let v = BusinessStatus::try_from(self.business_status)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.business_status)))?;
            struct_ser.serialize_field("businessStatus", &v)?;
        }
        if let Some(v) = self.reopening_date.as_ref() {
            struct_ser.serialize_field("reopeningDate", v)?;
        }
        if let Some(v) = self.valid_from.as_ref() {
            struct_ser.serialize_field("validFrom", v)?;
        }
        if let Some(v) = self.valid_until.as_ref() {
            struct_ser.serialize_field("validUntil", v)?;
        }
        if let Some(v) = self.review.as_ref() {
            struct_ser.serialize_field("review", v)?;
        }
        if !self.external_ids.is_empty() {
            struct_ser.serialize_field("externalIds", &self.external_ids)?;
        }
        if !self.labels.is_empty() {
            struct_ser.serialize_field("labels", &self.labels)?;
        }
        if !self.website_uri.is_empty() {
            struct_ser.serialize_field("websiteUri", &self.website_uri)?;
        }
        if !self.attributes.is_empty() {
            struct_ser.serialize_field("attributes", &self.attributes)?;
        }
        if !self.localized_names.is_empty() {
            struct_ser.serialize_field("localizedNames", &self.localized_names)?;
        }
        if !self.service_links.is_empty() {
            struct_ser.serialize_field("serviceLinks", &self.service_links)?;
        }
        if !self.source.is_empty() {
            struct_ser.serialize_field("source", &self.source)?;
        }
        if let Some(v) = self.service_area.as_ref() {
            struct_ser.serialize_field("serviceArea", v)?;
        }
        if let Some(v) = self.create_time.as_ref() {
            struct_ser.serialize_field("createTime", v)?;
        }
        if let Some(v) = self.update_time.as_ref() {
            struct_ser.serialize_field("updateTime", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Merchant {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "etag",
            "display_name",
            "displayName",
            "brand",
            "categories",
            "services",
            "position",
            "wgs84_position",
            "wgs84Position",
            "address",
            "phone",
            "opening_hours",
            "openingHours",
            "photos",
            "mini_program",
            "miniProgram",
            "visibility",
            "business_status",
            "businessStatus",
            "reopening_date",
            "reopeningDate",
            "valid_from",
            "validFrom",
            "valid_until",
            "validUntil",
            "review",
            "external_ids",
            "externalIds",
            "labels",
            "website_uri",
            "websiteUri",
            "attributes",
            "localized_names",
            "localizedNames",
            "service_links",
            "serviceLinks",
            "source",
            "service_area",
            "serviceArea",
            "create_time",
            "createTime",
            "update_time",
            "updateTime",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Etag,
            DisplayName,
            Brand,
            Categories,
            Services,
            Position,
            Wgs84Position,
            Address,
            Phone,
            OpeningHours,
            Photos,
            MiniProgram,
            Visibility,
            BusinessStatus,
            ReopeningDate,
            ValidFrom,
            ValidUntil,
            Review,
            ExternalIds,
            Labels,
            WebsiteUri,
            Attributes,
            LocalizedNames,
            ServiceLinks,
            Source,
            ServiceArea,
            CreateTime,
            UpdateTime,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "etag" => Ok(GeneratedField::Etag),
                            "displayName" | "display_name" => Ok(GeneratedField::DisplayName),
                            "brand" => Ok(GeneratedField::Brand),
                            "categories" => Ok(GeneratedField::Categories),
                            "services" => Ok(GeneratedField::Services),
                            "position" => Ok(GeneratedField::Position),
                            "wgs84Position" | "wgs84_position" => Ok(GeneratedField::Wgs84Position),
                            "address" => Ok(GeneratedField::Address),
                            "phone" => Ok(GeneratedField::Phone),
                            "openingHours" | "opening_hours" => Ok(GeneratedField::OpeningHours),
                            "photos" => Ok(GeneratedField::Photos),
                            "miniProgram" | "mini_program" => Ok(GeneratedField::MiniProgram),
                            "visibility" => Ok(GeneratedField::Visibility),
                            "businessStatus" | "business_status" => Ok(GeneratedField::BusinessStatus),
                            "reopeningDate" | "reopening_date" => Ok(GeneratedField::ReopeningDate),
                            "validFrom" | "valid_from" => Ok(GeneratedField::ValidFrom),
                            "validUntil" | "valid_until" => Ok(GeneratedField::ValidUntil),
                            "review" => Ok(GeneratedField::Review),
                            "externalIds" | "external_ids" => Ok(GeneratedField::ExternalIds),
                            "labels" => Ok(GeneratedField::Labels),
                            "websiteUri" | "website_uri" => Ok(GeneratedField::WebsiteUri),
                            "attributes" => Ok(GeneratedField::Attributes),
                            "localizedNames" | "localized_names" => Ok(GeneratedField::LocalizedNames),
                            "serviceLinks" | "service_links" => Ok(GeneratedField::ServiceLinks),
                            "source" => Ok(GeneratedField::Source),
                            "serviceArea" | "service_area" => Ok(GeneratedField::ServiceArea),
                            "createTime" | "create_time" => Ok(GeneratedField::CreateTime),
                            "updateTime" | "update_time" => Ok(GeneratedField::UpdateTime),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Merchant;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Merchant")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Merchant, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut etag__ = None;
                let mut display_name__ = None;
                let mut brand__ = None;
                let mut categories__ = None;
                let mut services__ = None;
                let mut position__ = None;
                let mut wgs84_position__ = None;
                let mut address__ = None;
                let mut phone__ = None;
                let mut opening_hours__ = None;
                let mut photos__ = None;
                let mut mini_program__ = None;
                let mut visibility__ = None;
                let mut business_status__ = None;
                let mut reopening_date__ = None;
                let mut valid_from__ = None;
                let mut valid_until__ = None;
                let mut review__ = None;
                let mut external_ids__ = None;
                let mut labels__ = None;
                let mut website_uri__ = None;
                let mut attributes__ = None;
                let mut localized_names__ = None;
                let mut service_links__ = None;
                let mut source__ = None;
                let mut service_area__ = None;
                let mut create_time__ = None;
                let mut update_time__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Etag => {
                            if etag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("etag"));
                            }
                            etag__ = Some(map_.next_value()?);
                        }
                        GeneratedField::DisplayName => {
                            if display_name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("displayName"));
                            }
                            display_name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Brand => {
                            if brand__.is_some() {
                                return Err(serde::de::Error::duplicate_field("brand"));
                            }
                            brand__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Categories => {
                            if categories__.is_some() {
                                return Err(serde::de::Error::duplicate_field("categories"));
                            }
                            categories__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Services => {
                            if services__.is_some() {
                                return Err(serde::de::Error::duplicate_field("services"));
                            }
                            services__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Position => {
                            if position__.is_some() {
                                return Err(serde::de::Error::duplicate_field("position"));
                            }
                            position__ = map_.next_value()?;
                        }
                        GeneratedField::Wgs84Position => {
                            if wgs84_position__.is_some() {
                                return Err(serde::de::Error::duplicate_field("wgs84Position"));
                            }
                            wgs84_position__ = map_.next_value()?;
                        }
                        GeneratedField::Address => {
                            if address__.is_some() {
                                return Err(serde::de::Error::duplicate_field("address"));
                            }
                            address__ = map_.next_value()?;
                        }
                        GeneratedField::Phone => {
                            if phone__.is_some() {
                                return Err(serde::de::Error::duplicate_field("phone"));
                            }
                            phone__ = Some(map_.next_value()?);
                        }
                        GeneratedField::OpeningHours => {
                            if opening_hours__.is_some() {
                                return Err(serde::de::Error::duplicate_field("openingHours"));
                            }
                            opening_hours__ = map_.next_value()?;
                        }
                        GeneratedField::Photos => {
                            if photos__.is_some() {
                                return Err(serde::de::Error::duplicate_field("photos"));
                            }
                            photos__ = Some(map_.next_value()?);
                        }
                        GeneratedField::MiniProgram => {
                            if mini_program__.is_some() {
                                return Err(serde::de::Error::duplicate_field("miniProgram"));
                            }
                            mini_program__ = map_.next_value()?;
                        }
                        GeneratedField::Visibility => {
                            if visibility__.is_some() {
                                return Err(serde::de::Error::duplicate_field("visibility"));
                            }
                            visibility__ = Some(map_.next_value::<Visibility>()? as i32);
                        }
                        GeneratedField::BusinessStatus => {
                            if business_status__.is_some() {
                                return Err(serde::de::Error::duplicate_field("businessStatus"));
                            }
                            business_status__ = Some(map_.next_value::<BusinessStatus>()? as i32);
                        }
                        GeneratedField::ReopeningDate => {
                            if reopening_date__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reopeningDate"));
                            }
                            reopening_date__ = map_.next_value()?;
                        }
                        GeneratedField::ValidFrom => {
                            if valid_from__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validFrom"));
                            }
                            valid_from__ = map_.next_value()?;
                        }
                        GeneratedField::ValidUntil => {
                            if valid_until__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validUntil"));
                            }
                            valid_until__ = map_.next_value()?;
                        }
                        GeneratedField::Review => {
                            if review__.is_some() {
                                return Err(serde::de::Error::duplicate_field("review"));
                            }
                            review__ = map_.next_value()?;
                        }
                        GeneratedField::ExternalIds => {
                            if external_ids__.is_some() {
                                return Err(serde::de::Error::duplicate_field("externalIds"));
                            }
                            external_ids__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Labels => {
                            if labels__.is_some() {
                                return Err(serde::de::Error::duplicate_field("labels"));
                            }
                            labels__ = Some(
                                map_.next_value::<std::collections::BTreeMap<_, _>>()?
                            );
                        }
                        GeneratedField::WebsiteUri => {
                            if website_uri__.is_some() {
                                return Err(serde::de::Error::duplicate_field("websiteUri"));
                            }
                            website_uri__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Attributes => {
                            if attributes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("attributes"));
                            }
                            attributes__ = Some(
                                map_.next_value::<std::collections::BTreeMap<_, ::pbjson::private::NumberDeserialize<f64>>>()?
                                    .into_iter().map(|(k,v)| (k, v.0)).collect()
                            );
                        }
                        GeneratedField::LocalizedNames => {
                            if localized_names__.is_some() {
                                return Err(serde::de::Error::duplicate_field("localizedNames"));
                            }
                            localized_names__ = Some(
                                map_.next_value::<std::collections::BTreeMap<_, _>>()?
                            );
                        }
                        GeneratedField::ServiceLinks => {
                            if service_links__.is_some() {
                                return Err(serde::de::Error::duplicate_field("serviceLinks"));
                            }
                            service_links__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Source => {
                            if source__.is_some() {
                                return Err(serde::de::Error::duplicate_field("source"));
                            }
                            source__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ServiceArea => {
                            if service_area__.is_some() {
                                return Err(serde::de::Error::duplicate_field("serviceArea"));
                            }
                            service_area__ = map_.next_value()?;
                        }
                        GeneratedField::CreateTime => {
                            if create_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("createTime"));
                            }
                            create_time__ = map_.next_value()?;
                        }
                        GeneratedField::UpdateTime => {
                            if update_time__.is_some() {
                                return Err(serde::de::Error::duplicate_field("updateTime"));
                            }
                            update_time__ = map_.next_value()?;
                        }
                    }
                }
                Ok(Merchant {
                    name: name__.unwrap_or_default(),
                    etag: etag__.unwrap_or_default(),
                    display_name: display_name__.unwrap_or_default(),
                    brand: brand__.unwrap_or_default(),
                    categories: categories__.unwrap_or_default(),
                    services: services__.unwrap_or_default(),
                    position: position__,
                    wgs84_position: wgs84_position__,
                    address: address__,
                    phone: phone__.unwrap_or_default(),
                    opening_hours: opening_hours__,
                    photos: photos__.unwrap_or_default(),
                    mini_program: mini_program__,
                    visibility: visibility__.unwrap_or_default(),
                    business_status: business_status__.unwrap_or_default(),
                    reopening_date: reopening_date__,
                    valid_from: valid_from__,
                    valid_until: valid_until__,
                    review: review__,
                    external_ids: external_ids__.unwrap_or_default(),
                    labels: labels__.unwrap_or_default(),
                    website_uri: website_uri__.unwrap_or_default(),
                    attributes: attributes__.unwrap_or_default(),
                    localized_names: localized_names__.unwrap_or_default(),
                    service_links: service_links__.unwrap_or_default(),
                    source: source__.unwrap_or_default(),
                    service_area: service_area__,
                    create_time: create_time__,
                    update_time: update_time__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Merchant", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for MerchantChange {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.revision != 0 {
            len += 1;
        }
        if self.change.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.MerchantChange", len)?;
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if let Some(v) = self.change.as_ref() {
            match v {
                merchant_change::Change::Stored(v) => {
                    struct_ser.serialize_field("stored", v)?;
                }
                merchant_change::Change::DeletedName(v) => {
                    struct_ser.serialize_field("deletedName", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for MerchantChange {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "revision",
            "stored",
            "deleted_name",
            "deletedName",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Revision,
            Stored,
            DeletedName,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "revision" => Ok(GeneratedField::Revision),
                            "stored" => Ok(GeneratedField::Stored),
                            "deletedName" | "deleted_name" => Ok(GeneratedField::DeletedName),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = MerchantChange;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.MerchantChange")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<MerchantChange, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut revision__ = None;
                let mut change__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Stored => {
                            if change__.is_some() {
                                return Err(serde::de::Error::duplicate_field("stored"));
                            }
                            change__ = map_.next_value::<::std::option::Option<_>>()?.map(merchant_change::Change::Stored)
;
                        }
                        GeneratedField::DeletedName => {
                            if change__.is_some() {
                                return Err(serde::de::Error::duplicate_field("deletedName"));
                            }
                            change__ = map_.next_value::<::std::option::Option<_>>()?.map(merchant_change::Change::DeletedName);
                        }
                    }
                }
                Ok(MerchantChange {
                    revision: revision__.unwrap_or_default(),
                    change: change__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.MerchantChange", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for MerchantFilter {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.any_categories.is_empty() {
            len += 1;
        }
        if !self.any_category_prefixes.is_empty() {
            len += 1;
        }
        if !self.none_categories.is_empty() {
            len += 1;
        }
        if !self.any_brands.is_empty() {
            len += 1;
        }
        if !self.none_brands.is_empty() {
            len += 1;
        }
        if !self.any_services.is_empty() {
            len += 1;
        }
        if !self.all_services.is_empty() {
            len += 1;
        }
        if !self.none_services.is_empty() {
            len += 1;
        }
        if !self.any_sources.is_empty() {
            len += 1;
        }
        if !self.text.is_empty() {
            len += 1;
        }
        if !self.attribute_ranges.is_empty() {
            len += 1;
        }
        if !self.labels.is_empty() {
            len += 1;
        }
        if self.visibility_scope != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.MerchantFilter", len)?;
        if !self.any_categories.is_empty() {
            struct_ser.serialize_field("anyCategories", &self.any_categories)?;
        }
        if !self.any_category_prefixes.is_empty() {
            struct_ser.serialize_field("anyCategoryPrefixes", &self.any_category_prefixes)?;
        }
        if !self.none_categories.is_empty() {
            struct_ser.serialize_field("noneCategories", &self.none_categories)?;
        }
        if !self.any_brands.is_empty() {
            struct_ser.serialize_field("anyBrands", &self.any_brands)?;
        }
        if !self.none_brands.is_empty() {
            struct_ser.serialize_field("noneBrands", &self.none_brands)?;
        }
        if !self.any_services.is_empty() {
            struct_ser.serialize_field("anyServices", &self.any_services)?;
        }
        if !self.all_services.is_empty() {
            struct_ser.serialize_field("allServices", &self.all_services)?;
        }
        if !self.none_services.is_empty() {
            struct_ser.serialize_field("noneServices", &self.none_services)?;
        }
        if !self.any_sources.is_empty() {
            struct_ser.serialize_field("anySources", &self.any_sources)?;
        }
        if !self.text.is_empty() {
            struct_ser.serialize_field("text", &self.text)?;
        }
        if !self.attribute_ranges.is_empty() {
            struct_ser.serialize_field("attributeRanges", &self.attribute_ranges)?;
        }
        if !self.labels.is_empty() {
            struct_ser.serialize_field("labels", &self.labels)?;
        }
        if self.visibility_scope != 0 {
            let v = VisibilityScope::try_from(self.visibility_scope)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.visibility_scope)))?;
            struct_ser.serialize_field("visibilityScope", &v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for MerchantFilter {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "any_categories",
            "anyCategories",
            "any_category_prefixes",
            "anyCategoryPrefixes",
            "none_categories",
            "noneCategories",
            "any_brands",
            "anyBrands",
            "none_brands",
            "noneBrands",
            "any_services",
            "anyServices",
            "all_services",
            "allServices",
            "none_services",
            "noneServices",
            "any_sources",
            "anySources",
            "text",
            "attribute_ranges",
            "attributeRanges",
            "labels",
            "visibility_scope",
            "visibilityScope",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            AnyCategories,
            AnyCategoryPrefixes,
            NoneCategories,
            AnyBrands,
            NoneBrands,
            AnyServices,
            AllServices,
            NoneServices,
            AnySources,
            Text,
            AttributeRanges,
            Labels,
            VisibilityScope,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "anyCategories" | "any_categories" => Ok(GeneratedField::AnyCategories),
                            "anyCategoryPrefixes" | "any_category_prefixes" => Ok(GeneratedField::AnyCategoryPrefixes),
                            "noneCategories" | "none_categories" => Ok(GeneratedField::NoneCategories),
                            "anyBrands" | "any_brands" => Ok(GeneratedField::AnyBrands),
                            "noneBrands" | "none_brands" => Ok(GeneratedField::NoneBrands),
                            "anyServices" | "any_services" => Ok(GeneratedField::AnyServices),
                            "allServices" | "all_services" => Ok(GeneratedField::AllServices),
                            "noneServices" | "none_services" => Ok(GeneratedField::NoneServices),
                            "anySources" | "any_sources" => Ok(GeneratedField::AnySources),
                            "text" => Ok(GeneratedField::Text),
                            "attributeRanges" | "attribute_ranges" => Ok(GeneratedField::AttributeRanges),
                            "labels" => Ok(GeneratedField::Labels),
                            "visibilityScope" | "visibility_scope" => Ok(GeneratedField::VisibilityScope),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = MerchantFilter;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.MerchantFilter")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<MerchantFilter, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut any_categories__ = None;
                let mut any_category_prefixes__ = None;
                let mut none_categories__ = None;
                let mut any_brands__ = None;
                let mut none_brands__ = None;
                let mut any_services__ = None;
                let mut all_services__ = None;
                let mut none_services__ = None;
                let mut any_sources__ = None;
                let mut text__ = None;
                let mut attribute_ranges__ = None;
                let mut labels__ = None;
                let mut visibility_scope__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::AnyCategories => {
                            if any_categories__.is_some() {
                                return Err(serde::de::Error::duplicate_field("anyCategories"));
                            }
                            any_categories__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AnyCategoryPrefixes => {
                            if any_category_prefixes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("anyCategoryPrefixes"));
                            }
                            any_category_prefixes__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NoneCategories => {
                            if none_categories__.is_some() {
                                return Err(serde::de::Error::duplicate_field("noneCategories"));
                            }
                            none_categories__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AnyBrands => {
                            if any_brands__.is_some() {
                                return Err(serde::de::Error::duplicate_field("anyBrands"));
                            }
                            any_brands__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NoneBrands => {
                            if none_brands__.is_some() {
                                return Err(serde::de::Error::duplicate_field("noneBrands"));
                            }
                            none_brands__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AnyServices => {
                            if any_services__.is_some() {
                                return Err(serde::de::Error::duplicate_field("anyServices"));
                            }
                            any_services__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AllServices => {
                            if all_services__.is_some() {
                                return Err(serde::de::Error::duplicate_field("allServices"));
                            }
                            all_services__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NoneServices => {
                            if none_services__.is_some() {
                                return Err(serde::de::Error::duplicate_field("noneServices"));
                            }
                            none_services__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AnySources => {
                            if any_sources__.is_some() {
                                return Err(serde::de::Error::duplicate_field("anySources"));
                            }
                            any_sources__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Text => {
                            if text__.is_some() {
                                return Err(serde::de::Error::duplicate_field("text"));
                            }
                            text__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AttributeRanges => {
                            if attribute_ranges__.is_some() {
                                return Err(serde::de::Error::duplicate_field("attributeRanges"));
                            }
                            attribute_ranges__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Labels => {
                            if labels__.is_some() {
                                return Err(serde::de::Error::duplicate_field("labels"));
                            }
                            labels__ = Some(map_.next_value()?);
                        }
                        GeneratedField::VisibilityScope => {
                            if visibility_scope__.is_some() {
                                return Err(serde::de::Error::duplicate_field("visibilityScope"));
                            }
                            visibility_scope__ = Some(map_.next_value::<VisibilityScope>()? as i32);
                        }
                    }
                }
                Ok(MerchantFilter {
                    any_categories: any_categories__.unwrap_or_default(),
                    any_category_prefixes: any_category_prefixes__.unwrap_or_default(),
                    none_categories: none_categories__.unwrap_or_default(),
                    any_brands: any_brands__.unwrap_or_default(),
                    none_brands: none_brands__.unwrap_or_default(),
                    any_services: any_services__.unwrap_or_default(),
                    all_services: all_services__.unwrap_or_default(),
                    none_services: none_services__.unwrap_or_default(),
                    any_sources: any_sources__.unwrap_or_default(),
                    text: text__.unwrap_or_default(),
                    attribute_ranges: attribute_ranges__.unwrap_or_default(),
                    labels: labels__.unwrap_or_default(),
                    visibility_scope: visibility_scope__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.MerchantFilter", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for MerchantView {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "MERCHANT_VIEW_UNSPECIFIED",
            Self::IdOnly => "MERCHANT_VIEW_ID_ONLY",
            Self::Basic => "MERCHANT_VIEW_BASIC",
            Self::Full => "MERCHANT_VIEW_FULL",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for MerchantView {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "MERCHANT_VIEW_UNSPECIFIED",
            "MERCHANT_VIEW_ID_ONLY",
            "MERCHANT_VIEW_BASIC",
            "MERCHANT_VIEW_FULL",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = MerchantView;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "MERCHANT_VIEW_UNSPECIFIED" => Ok(MerchantView::Unspecified),
                    "MERCHANT_VIEW_ID_ONLY" => Ok(MerchantView::IdOnly),
                    "MERCHANT_VIEW_BASIC" => Ok(MerchantView::Basic),
                    "MERCHANT_VIEW_FULL" => Ok(MerchantView::Full),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for MiniProgramLink {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.app_id.is_empty() {
            len += 1;
        }
        if !self.path.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.MiniProgramLink", len)?;
        if !self.app_id.is_empty() {
            struct_ser.serialize_field("appId", &self.app_id)?;
        }
        if !self.path.is_empty() {
            struct_ser.serialize_field("path", &self.path)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for MiniProgramLink {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "app_id",
            "appId",
            "path",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            AppId,
            Path,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "appId" | "app_id" => Ok(GeneratedField::AppId),
                            "path" => Ok(GeneratedField::Path),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = MiniProgramLink;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.MiniProgramLink")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<MiniProgramLink, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut app_id__ = None;
                let mut path__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::AppId => {
                            if app_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("appId"));
                            }
                            app_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Path => {
                            if path__.is_some() {
                                return Err(serde::de::Error::duplicate_field("path"));
                            }
                            path__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(MiniProgramLink {
                    app_id: app_id__.unwrap_or_default(),
                    path: path__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.MiniProgramLink", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for NearbyResult {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.merchant.is_some() {
            len += 1;
        }
        if self.distance_m != 0. {
            len += 1;
        }
        if self.open_state != 0 {
            len += 1;
        }
        if self.beyond_radius {
            len += 1;
        }
        if self.uncertain {
            len += 1;
        }
        if self.merchants_at_position != 0 {
            len += 1;
        }
        if self.position.is_some() {
            len += 1;
        }
        if self.open_state_until.is_some() {
            len += 1;
        }
        if !self.open_state_comment.is_empty() {
            len += 1;
        }
        if self.serves_origin {
            len += 1;
        }
        if self.localized_name.is_some() {
            len += 1;
        }
        if self.service_area.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.NearbyResult", len)?;
        if let Some(v) = self.merchant.as_ref() {
            struct_ser.serialize_field("merchant", v)?;
        }
        if self.distance_m != 0. {
            struct_ser.serialize_field("distanceM", &self.distance_m)?;
        }
        if self.open_state != 0 {
            let v = OpenState::try_from(self.open_state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.open_state)))?;
            struct_ser.serialize_field("openState", &v)?;
        }
        if self.beyond_radius {
            struct_ser.serialize_field("beyondRadius", &self.beyond_radius)?;
        }
        if self.uncertain {
            struct_ser.serialize_field("uncertain", &self.uncertain)?;
        }
        if self.merchants_at_position != 0 {
            struct_ser.serialize_field("merchantsAtPosition", &self.merchants_at_position)?;
        }
        if let Some(v) = self.position.as_ref() {
            struct_ser.serialize_field("position", v)?;
        }
        if let Some(v) = self.open_state_until.as_ref() {
            struct_ser.serialize_field("openStateUntil", v)?;
        }
        if !self.open_state_comment.is_empty() {
            struct_ser.serialize_field("openStateComment", &self.open_state_comment)?;
        }
        if self.serves_origin {
            struct_ser.serialize_field("servesOrigin", &self.serves_origin)?;
        }
        if let Some(v) = self.localized_name.as_ref() {
            struct_ser.serialize_field("localizedName", v)?;
        }
        if let Some(v) = self.service_area.as_ref() {
            struct_ser.serialize_field("serviceArea", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for NearbyResult {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchant",
            "distance_m",
            "distanceM",
            "open_state",
            "openState",
            "beyond_radius",
            "beyondRadius",
            "uncertain",
            "merchants_at_position",
            "merchantsAtPosition",
            "position",
            "open_state_until",
            "openStateUntil",
            "open_state_comment",
            "openStateComment",
            "serves_origin",
            "servesOrigin",
            "localized_name",
            "localizedName",
            "service_area",
            "serviceArea",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchant,
            DistanceM,
            OpenState,
            BeyondRadius,
            Uncertain,
            MerchantsAtPosition,
            Position,
            OpenStateUntil,
            OpenStateComment,
            ServesOrigin,
            LocalizedName,
            ServiceArea,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchant" => Ok(GeneratedField::Merchant),
                            "distanceM" | "distance_m" => Ok(GeneratedField::DistanceM),
                            "openState" | "open_state" => Ok(GeneratedField::OpenState),
                            "beyondRadius" | "beyond_radius" => Ok(GeneratedField::BeyondRadius),
                            "uncertain" => Ok(GeneratedField::Uncertain),
                            "merchantsAtPosition" | "merchants_at_position" => Ok(GeneratedField::MerchantsAtPosition),
                            "position" => Ok(GeneratedField::Position),
                            "openStateUntil" | "open_state_until" => Ok(GeneratedField::OpenStateUntil),
                            "openStateComment" | "open_state_comment" => Ok(GeneratedField::OpenStateComment),
                            "servesOrigin" | "serves_origin" => Ok(GeneratedField::ServesOrigin),
                            "localizedName" | "localized_name" => Ok(GeneratedField::LocalizedName),
                            "serviceArea" | "service_area" => Ok(GeneratedField::ServiceArea),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = NearbyResult;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.NearbyResult")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<NearbyResult, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchant__ = None;
                let mut distance_m__ = None;
                let mut open_state__ = None;
                let mut beyond_radius__ = None;
                let mut uncertain__ = None;
                let mut merchants_at_position__ = None;
                let mut position__ = None;
                let mut open_state_until__ = None;
                let mut open_state_comment__ = None;
                let mut serves_origin__ = None;
                let mut localized_name__ = None;
                let mut service_area__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchant => {
                            if merchant__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchant"));
                            }
                            merchant__ = map_.next_value()?;
                        }
                        GeneratedField::DistanceM => {
                            if distance_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("distanceM"));
                            }
                            distance_m__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::OpenState => {
                            if open_state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("openState"));
                            }
                            open_state__ = Some(map_.next_value::<OpenState>()? as i32);
                        }
                        GeneratedField::BeyondRadius => {
                            if beyond_radius__.is_some() {
                                return Err(serde::de::Error::duplicate_field("beyondRadius"));
                            }
                            beyond_radius__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Uncertain => {
                            if uncertain__.is_some() {
                                return Err(serde::de::Error::duplicate_field("uncertain"));
                            }
                            uncertain__ = Some(map_.next_value()?);
                        }
                        GeneratedField::MerchantsAtPosition => {
                            if merchants_at_position__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchantsAtPosition"));
                            }
                            merchants_at_position__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Position => {
                            if position__.is_some() {
                                return Err(serde::de::Error::duplicate_field("position"));
                            }
                            position__ = map_.next_value()?;
                        }
                        GeneratedField::OpenStateUntil => {
                            if open_state_until__.is_some() {
                                return Err(serde::de::Error::duplicate_field("openStateUntil"));
                            }
                            open_state_until__ = map_.next_value()?;
                        }
                        GeneratedField::OpenStateComment => {
                            if open_state_comment__.is_some() {
                                return Err(serde::de::Error::duplicate_field("openStateComment"));
                            }
                            open_state_comment__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ServesOrigin => {
                            if serves_origin__.is_some() {
                                return Err(serde::de::Error::duplicate_field("servesOrigin"));
                            }
                            serves_origin__ = Some(map_.next_value()?);
                        }
                        GeneratedField::LocalizedName => {
                            if localized_name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("localizedName"));
                            }
                            localized_name__ = map_.next_value()?;
                        }
                        GeneratedField::ServiceArea => {
                            if service_area__.is_some() {
                                return Err(serde::de::Error::duplicate_field("serviceArea"));
                            }
                            service_area__ = map_.next_value()?;
                        }
                    }
                }
                Ok(NearbyResult {
                    merchant: merchant__,
                    distance_m: distance_m__.unwrap_or_default(),
                    open_state: open_state__.unwrap_or_default(),
                    beyond_radius: beyond_radius__.unwrap_or_default(),
                    uncertain: uncertain__.unwrap_or_default(),
                    merchants_at_position: merchants_at_position__.unwrap_or_default(),
                    position: position__,
                    open_state_until: open_state_until__,
                    open_state_comment: open_state_comment__.unwrap_or_default(),
                    serves_origin: serves_origin__.unwrap_or_default(),
                    localized_name: localized_name__,
                    service_area: service_area__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.NearbyResult", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for OpenState {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "OPEN_STATE_UNSPECIFIED",
            Self::Open => "OPEN_STATE_OPEN",
            Self::Closed => "OPEN_STATE_CLOSED",
            Self::Unknown => "OPEN_STATE_UNKNOWN",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for OpenState {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "OPEN_STATE_UNSPECIFIED",
            "OPEN_STATE_OPEN",
            "OPEN_STATE_CLOSED",
            "OPEN_STATE_UNKNOWN",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = OpenState;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "OPEN_STATE_UNSPECIFIED" => Ok(OpenState::Unspecified),
                    "OPEN_STATE_OPEN" => Ok(OpenState::Open),
                    "OPEN_STATE_CLOSED" => Ok(OpenState::Closed),
                    "OPEN_STATE_UNKNOWN" => Ok(OpenState::Unknown),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for OpeningFilter {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.policy != 0 {
            len += 1;
        }
        if self.moment.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.OpeningFilter", len)?;
        if self.policy != 0 {
            let v = OpeningPolicy::try_from(self.policy)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.policy)))?;
            struct_ser.serialize_field("policy", &v)?;
        }
        if let Some(v) = self.moment.as_ref() {
            match v {
                opening_filter::Moment::OpenAt(v) => {
                    struct_ser.serialize_field("openAt", v)?;
                }
                opening_filter::Moment::OpenNow(v) => {
                    struct_ser.serialize_field("openNow", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for OpeningFilter {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "policy",
            "open_at",
            "openAt",
            "open_now",
            "openNow",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Policy,
            OpenAt,
            OpenNow,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "policy" => Ok(GeneratedField::Policy),
                            "openAt" | "open_at" => Ok(GeneratedField::OpenAt),
                            "openNow" | "open_now" => Ok(GeneratedField::OpenNow),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = OpeningFilter;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.OpeningFilter")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<OpeningFilter, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut policy__ = None;
                let mut moment__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Policy => {
                            if policy__.is_some() {
                                return Err(serde::de::Error::duplicate_field("policy"));
                            }
                            policy__ = Some(map_.next_value::<OpeningPolicy>()? as i32);
                        }
                        GeneratedField::OpenAt => {
                            if moment__.is_some() {
                                return Err(serde::de::Error::duplicate_field("openAt"));
                            }
                            moment__ = map_.next_value::<::std::option::Option<_>>()?.map(opening_filter::Moment::OpenAt)
;
                        }
                        GeneratedField::OpenNow => {
                            if moment__.is_some() {
                                return Err(serde::de::Error::duplicate_field("openNow"));
                            }
                            moment__ = map_.next_value::<::std::option::Option<_>>()?.map(opening_filter::Moment::OpenNow);
                        }
                    }
                }
                Ok(OpeningFilter {
                    policy: policy__.unwrap_or_default(),
                    moment: moment__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.OpeningFilter", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for OpeningHours {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.time_zone.is_empty() {
            len += 1;
        }
        if !self.weekly_periods.is_empty() {
            len += 1;
        }
        if !self.special_days.is_empty() {
            len += 1;
        }
        if !self.display_text.is_empty() {
            len += 1;
        }
        if !self.osm_expression.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.OpeningHours", len)?;
        if !self.time_zone.is_empty() {
            struct_ser.serialize_field("timeZone", &self.time_zone)?;
        }
        if !self.weekly_periods.is_empty() {
            struct_ser.serialize_field("weeklyPeriods", &self.weekly_periods)?;
        }
        if !self.special_days.is_empty() {
            struct_ser.serialize_field("specialDays", &self.special_days)?;
        }
        if !self.display_text.is_empty() {
            struct_ser.serialize_field("displayText", &self.display_text)?;
        }
        if !self.osm_expression.is_empty() {
            struct_ser.serialize_field("osmExpression", &self.osm_expression)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for OpeningHours {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "time_zone",
            "timeZone",
            "weekly_periods",
            "weeklyPeriods",
            "special_days",
            "specialDays",
            "display_text",
            "displayText",
            "osm_expression",
            "osmExpression",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            TimeZone,
            WeeklyPeriods,
            SpecialDays,
            DisplayText,
            OsmExpression,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "timeZone" | "time_zone" => Ok(GeneratedField::TimeZone),
                            "weeklyPeriods" | "weekly_periods" => Ok(GeneratedField::WeeklyPeriods),
                            "specialDays" | "special_days" => Ok(GeneratedField::SpecialDays),
                            "displayText" | "display_text" => Ok(GeneratedField::DisplayText),
                            "osmExpression" | "osm_expression" => Ok(GeneratedField::OsmExpression),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = OpeningHours;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.OpeningHours")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<OpeningHours, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut time_zone__ = None;
                let mut weekly_periods__ = None;
                let mut special_days__ = None;
                let mut display_text__ = None;
                let mut osm_expression__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::TimeZone => {
                            if time_zone__.is_some() {
                                return Err(serde::de::Error::duplicate_field("timeZone"));
                            }
                            time_zone__ = Some(map_.next_value()?);
                        }
                        GeneratedField::WeeklyPeriods => {
                            if weekly_periods__.is_some() {
                                return Err(serde::de::Error::duplicate_field("weeklyPeriods"));
                            }
                            weekly_periods__ = Some(map_.next_value()?);
                        }
                        GeneratedField::SpecialDays => {
                            if special_days__.is_some() {
                                return Err(serde::de::Error::duplicate_field("specialDays"));
                            }
                            special_days__ = Some(map_.next_value()?);
                        }
                        GeneratedField::DisplayText => {
                            if display_text__.is_some() {
                                return Err(serde::de::Error::duplicate_field("displayText"));
                            }
                            display_text__ = Some(map_.next_value()?);
                        }
                        GeneratedField::OsmExpression => {
                            if osm_expression__.is_some() {
                                return Err(serde::de::Error::duplicate_field("osmExpression"));
                            }
                            osm_expression__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(OpeningHours {
                    time_zone: time_zone__.unwrap_or_default(),
                    weekly_periods: weekly_periods__.unwrap_or_default(),
                    special_days: special_days__.unwrap_or_default(),
                    display_text: display_text__.unwrap_or_default(),
                    osm_expression: osm_expression__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.OpeningHours", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for OpeningPolicy {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "OPENING_POLICY_UNSPECIFIED",
            Self::OpenOrUnknown => "OPENING_POLICY_OPEN_OR_UNKNOWN",
            Self::OpenOnly => "OPENING_POLICY_OPEN_ONLY",
            Self::ShowAll => "OPENING_POLICY_SHOW_ALL",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for OpeningPolicy {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "OPENING_POLICY_UNSPECIFIED",
            "OPENING_POLICY_OPEN_OR_UNKNOWN",
            "OPENING_POLICY_OPEN_ONLY",
            "OPENING_POLICY_SHOW_ALL",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = OpeningPolicy;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "OPENING_POLICY_UNSPECIFIED" => Ok(OpeningPolicy::Unspecified),
                    "OPENING_POLICY_OPEN_OR_UNKNOWN" => Ok(OpeningPolicy::OpenOrUnknown),
                    "OPENING_POLICY_OPEN_ONLY" => Ok(OpeningPolicy::OpenOnly),
                    "OPENING_POLICY_SHOW_ALL" => Ok(OpeningPolicy::ShowAll),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Photo {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.uri.is_empty() {
            len += 1;
        }
        if self.width_px != 0 {
            len += 1;
        }
        if self.height_px != 0 {
            len += 1;
        }
        if !self.alt_text.is_empty() {
            len += 1;
        }
        if !self.attribution.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Photo", len)?;
        if !self.uri.is_empty() {
            struct_ser.serialize_field("uri", &self.uri)?;
        }
        if self.width_px != 0 {
            struct_ser.serialize_field("widthPx", &self.width_px)?;
        }
        if self.height_px != 0 {
            struct_ser.serialize_field("heightPx", &self.height_px)?;
        }
        if !self.alt_text.is_empty() {
            struct_ser.serialize_field("altText", &self.alt_text)?;
        }
        if !self.attribution.is_empty() {
            struct_ser.serialize_field("attribution", &self.attribution)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Photo {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "uri",
            "width_px",
            "widthPx",
            "height_px",
            "heightPx",
            "alt_text",
            "altText",
            "attribution",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Uri,
            WidthPx,
            HeightPx,
            AltText,
            Attribution,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "uri" => Ok(GeneratedField::Uri),
                            "widthPx" | "width_px" => Ok(GeneratedField::WidthPx),
                            "heightPx" | "height_px" => Ok(GeneratedField::HeightPx),
                            "altText" | "alt_text" => Ok(GeneratedField::AltText),
                            "attribution" => Ok(GeneratedField::Attribution),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Photo;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Photo")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Photo, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut uri__ = None;
                let mut width_px__ = None;
                let mut height_px__ = None;
                let mut alt_text__ = None;
                let mut attribution__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Uri => {
                            if uri__.is_some() {
                                return Err(serde::de::Error::duplicate_field("uri"));
                            }
                            uri__ = Some(map_.next_value()?);
                        }
                        GeneratedField::WidthPx => {
                            if width_px__.is_some() {
                                return Err(serde::de::Error::duplicate_field("widthPx"));
                            }
                            width_px__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::HeightPx => {
                            if height_px__.is_some() {
                                return Err(serde::de::Error::duplicate_field("heightPx"));
                            }
                            height_px__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::AltText => {
                            if alt_text__.is_some() {
                                return Err(serde::de::Error::duplicate_field("altText"));
                            }
                            alt_text__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Attribution => {
                            if attribution__.is_some() {
                                return Err(serde::de::Error::duplicate_field("attribution"));
                            }
                            attribution__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Photo {
                    uri: uri__.unwrap_or_default(),
                    width_px: width_px__.unwrap_or_default(),
                    height_px: height_px__.unwrap_or_default(),
                    alt_text: alt_text__.unwrap_or_default(),
                    attribution: attribution__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Photo", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Polygon {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.shell.is_some() {
            len += 1;
        }
        if !self.holes.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Polygon", len)?;
        if let Some(v) = self.shell.as_ref() {
            struct_ser.serialize_field("shell", v)?;
        }
        if !self.holes.is_empty() {
            struct_ser.serialize_field("holes", &self.holes)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Polygon {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "shell",
            "holes",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Shell,
            Holes,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "shell" => Ok(GeneratedField::Shell),
                            "holes" => Ok(GeneratedField::Holes),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Polygon;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Polygon")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Polygon, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut shell__ = None;
                let mut holes__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Shell => {
                            if shell__.is_some() {
                                return Err(serde::de::Error::duplicate_field("shell"));
                            }
                            shell__ = map_.next_value()?;
                        }
                        GeneratedField::Holes => {
                            if holes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("holes"));
                            }
                            holes__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Polygon {
                    shell: shell__,
                    holes: holes__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Polygon", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for PolygonSet {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.coordinate_system != 0 {
            len += 1;
        }
        if !self.polygons.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.PolygonSet", len)?;
        if self.coordinate_system != 0 {
            let v = CoordinateSystem::try_from(self.coordinate_system)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.coordinate_system)))?;
            struct_ser.serialize_field("coordinateSystem", &v)?;
        }
        if !self.polygons.is_empty() {
            struct_ser.serialize_field("polygons", &self.polygons)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for PolygonSet {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "coordinate_system",
            "coordinateSystem",
            "polygons",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            CoordinateSystem,
            Polygons,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "coordinateSystem" | "coordinate_system" => Ok(GeneratedField::CoordinateSystem),
                            "polygons" => Ok(GeneratedField::Polygons),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = PolygonSet;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.PolygonSet")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<PolygonSet, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut coordinate_system__ = None;
                let mut polygons__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::CoordinateSystem => {
                            if coordinate_system__.is_some() {
                                return Err(serde::de::Error::duplicate_field("coordinateSystem"));
                            }
                            coordinate_system__ = Some(map_.next_value::<CoordinateSystem>()? as i32);
                        }
                        GeneratedField::Polygons => {
                            if polygons__.is_some() {
                                return Err(serde::de::Error::duplicate_field("polygons"));
                            }
                            polygons__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(PolygonSet {
                    coordinate_system: coordinate_system__.unwrap_or_default(),
                    polygons: polygons__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.PolygonSet", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Position {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.latitude != 0. {
            len += 1;
        }
        if self.longitude != 0. {
            len += 1;
        }
        if self.coordinate_system != 0 {
            len += 1;
        }
        if self.accuracy_m.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Position", len)?;
        if self.latitude != 0. {
            struct_ser.serialize_field("latitude", &self.latitude)?;
        }
        if self.longitude != 0. {
            struct_ser.serialize_field("longitude", &self.longitude)?;
        }
        if self.coordinate_system != 0 {
            let v = CoordinateSystem::try_from(self.coordinate_system)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.coordinate_system)))?;
            struct_ser.serialize_field("coordinateSystem", &v)?;
        }
        if let Some(v) = self.accuracy_m.as_ref() {
            struct_ser.serialize_field("accuracyM", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Position {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "latitude",
            "longitude",
            "coordinate_system",
            "coordinateSystem",
            "accuracy_m",
            "accuracyM",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Latitude,
            Longitude,
            CoordinateSystem,
            AccuracyM,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "latitude" => Ok(GeneratedField::Latitude),
                            "longitude" => Ok(GeneratedField::Longitude),
                            "coordinateSystem" | "coordinate_system" => Ok(GeneratedField::CoordinateSystem),
                            "accuracyM" | "accuracy_m" => Ok(GeneratedField::AccuracyM),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Position;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Position")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Position, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut latitude__ = None;
                let mut longitude__ = None;
                let mut coordinate_system__ = None;
                let mut accuracy_m__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Latitude => {
                            if latitude__.is_some() {
                                return Err(serde::de::Error::duplicate_field("latitude"));
                            }
                            latitude__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Longitude => {
                            if longitude__.is_some() {
                                return Err(serde::de::Error::duplicate_field("longitude"));
                            }
                            longitude__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::CoordinateSystem => {
                            if coordinate_system__.is_some() {
                                return Err(serde::de::Error::duplicate_field("coordinateSystem"));
                            }
                            coordinate_system__ = Some(map_.next_value::<CoordinateSystem>()? as i32);
                        }
                        GeneratedField::AccuracyM => {
                            if accuracy_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("accuracyM"));
                            }
                            accuracy_m__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                    }
                }
                Ok(Position {
                    latitude: latitude__.unwrap_or_default(),
                    longitude: longitude__.unwrap_or_default(),
                    coordinate_system: coordinate_system__.unwrap_or_default(),
                    accuracy_m: accuracy_m__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Position", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for PostalAddress {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.region_code.is_empty() {
            len += 1;
        }
        if !self.postal_code.is_empty() {
            len += 1;
        }
        if !self.administrative_area.is_empty() {
            len += 1;
        }
        if !self.locality.is_empty() {
            len += 1;
        }
        if !self.sublocality.is_empty() {
            len += 1;
        }
        if !self.address_lines.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.PostalAddress", len)?;
        if !self.region_code.is_empty() {
            struct_ser.serialize_field("regionCode", &self.region_code)?;
        }
        if !self.postal_code.is_empty() {
            struct_ser.serialize_field("postalCode", &self.postal_code)?;
        }
        if !self.administrative_area.is_empty() {
            struct_ser.serialize_field("administrativeArea", &self.administrative_area)?;
        }
        if !self.locality.is_empty() {
            struct_ser.serialize_field("locality", &self.locality)?;
        }
        if !self.sublocality.is_empty() {
            struct_ser.serialize_field("sublocality", &self.sublocality)?;
        }
        if !self.address_lines.is_empty() {
            struct_ser.serialize_field("addressLines", &self.address_lines)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for PostalAddress {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "region_code",
            "regionCode",
            "postal_code",
            "postalCode",
            "administrative_area",
            "administrativeArea",
            "locality",
            "sublocality",
            "address_lines",
            "addressLines",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            RegionCode,
            PostalCode,
            AdministrativeArea,
            Locality,
            Sublocality,
            AddressLines,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "regionCode" | "region_code" => Ok(GeneratedField::RegionCode),
                            "postalCode" | "postal_code" => Ok(GeneratedField::PostalCode),
                            "administrativeArea" | "administrative_area" => Ok(GeneratedField::AdministrativeArea),
                            "locality" => Ok(GeneratedField::Locality),
                            "sublocality" => Ok(GeneratedField::Sublocality),
                            "addressLines" | "address_lines" => Ok(GeneratedField::AddressLines),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = PostalAddress;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.PostalAddress")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<PostalAddress, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut region_code__ = None;
                let mut postal_code__ = None;
                let mut administrative_area__ = None;
                let mut locality__ = None;
                let mut sublocality__ = None;
                let mut address_lines__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::RegionCode => {
                            if region_code__.is_some() {
                                return Err(serde::de::Error::duplicate_field("regionCode"));
                            }
                            region_code__ = Some(map_.next_value()?);
                        }
                        GeneratedField::PostalCode => {
                            if postal_code__.is_some() {
                                return Err(serde::de::Error::duplicate_field("postalCode"));
                            }
                            postal_code__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AdministrativeArea => {
                            if administrative_area__.is_some() {
                                return Err(serde::de::Error::duplicate_field("administrativeArea"));
                            }
                            administrative_area__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Locality => {
                            if locality__.is_some() {
                                return Err(serde::de::Error::duplicate_field("locality"));
                            }
                            locality__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Sublocality => {
                            if sublocality__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sublocality"));
                            }
                            sublocality__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AddressLines => {
                            if address_lines__.is_some() {
                                return Err(serde::de::Error::duplicate_field("addressLines"));
                            }
                            address_lines__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(PostalAddress {
                    region_code: region_code__.unwrap_or_default(),
                    postal_code: postal_code__.unwrap_or_default(),
                    administrative_area: administrative_area__.unwrap_or_default(),
                    locality: locality__.unwrap_or_default(),
                    sublocality: sublocality__.unwrap_or_default(),
                    address_lines: address_lines__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.PostalAddress", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Reach {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "REACH_UNSPECIFIED",
            Self::Near => "REACH_NEAR",
            Self::Serving => "REACH_SERVING",
            Self::NearOrServing => "REACH_NEAR_OR_SERVING",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for Reach {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "REACH_UNSPECIFIED",
            "REACH_NEAR",
            "REACH_SERVING",
            "REACH_NEAR_OR_SERVING",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = Reach;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "REACH_UNSPECIFIED" => Ok(Reach::Unspecified),
                    "REACH_NEAR" => Ok(Reach::Near),
                    "REACH_SERVING" => Ok(Reach::Serving),
                    "REACH_NEAR_OR_SERVING" => Ok(Reach::NearOrServing),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for RejectMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.etag.is_empty() {
            len += 1;
        }
        if !self.reason.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.RejectMerchantRequest", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.etag.is_empty() {
            struct_ser.serialize_field("etag", &self.etag)?;
        }
        if !self.reason.is_empty() {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for RejectMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "etag",
            "reason",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Etag,
            Reason,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "etag" => Ok(GeneratedField::Etag),
                            "reason" => Ok(GeneratedField::Reason),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = RejectMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.RejectMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<RejectMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut etag__ = None;
                let mut reason__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Etag => {
                            if etag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("etag"));
                            }
                            etag__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(RejectMerchantRequest {
                    name: name__.unwrap_or_default(),
                    etag: etag__.unwrap_or_default(),
                    reason: reason__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.RejectMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for RequestStatus {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.code != 0 {
            len += 1;
        }
        if !self.message.is_empty() {
            len += 1;
        }
        if !self.details.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.RequestStatus", len)?;
        if self.code != 0 {
            struct_ser.serialize_field("code", &self.code)?;
        }
        if !self.message.is_empty() {
            struct_ser.serialize_field("message", &self.message)?;
        }
        if !self.details.is_empty() {
            struct_ser.serialize_field("details", &self.details)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for RequestStatus {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "code",
            "message",
            "details",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Code,
            Message,
            Details,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "code" => Ok(GeneratedField::Code),
                            "message" => Ok(GeneratedField::Message),
                            "details" => Ok(GeneratedField::Details),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = RequestStatus;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.RequestStatus")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<RequestStatus, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut code__ = None;
                let mut message__ = None;
                let mut details__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Code => {
                            if code__.is_some() {
                                return Err(serde::de::Error::duplicate_field("code"));
                            }
                            code__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Message => {
                            if message__.is_some() {
                                return Err(serde::de::Error::duplicate_field("message"));
                            }
                            message__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Details => {
                            if details__.is_some() {
                                return Err(serde::de::Error::duplicate_field("details"));
                            }
                            details__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(RequestStatus {
                    code: code__.unwrap_or_default(),
                    message: message__.unwrap_or_default(),
                    details: details__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.RequestStatus", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Review {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.state != 0 {
            len += 1;
        }
        if !self.reason.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Review", len)?;
        if self.state != 0 {
            let v = ReviewState::try_from(self.state)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.state)))?;
            struct_ser.serialize_field("state", &v)?;
        }
        if !self.reason.is_empty() {
            struct_ser.serialize_field("reason", &self.reason)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Review {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "state",
            "reason",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            State,
            Reason,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "state" => Ok(GeneratedField::State),
                            "reason" => Ok(GeneratedField::Reason),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Review;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Review")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Review, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut state__ = None;
                let mut reason__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::State => {
                            if state__.is_some() {
                                return Err(serde::de::Error::duplicate_field("state"));
                            }
                            state__ = Some(map_.next_value::<ReviewState>()? as i32);
                        }
                        GeneratedField::Reason => {
                            if reason__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reason"));
                            }
                            reason__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(Review {
                    state: state__.unwrap_or_default(),
                    reason: reason__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Review", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ReviewState {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "REVIEW_STATE_UNSPECIFIED",
            Self::Pending => "REVIEW_STATE_PENDING",
            Self::Approved => "REVIEW_STATE_APPROVED",
            Self::Rejected => "REVIEW_STATE_REJECTED",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for ReviewState {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "REVIEW_STATE_UNSPECIFIED",
            "REVIEW_STATE_PENDING",
            "REVIEW_STATE_APPROVED",
            "REVIEW_STATE_REJECTED",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = ReviewState;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "REVIEW_STATE_UNSPECIFIED" => Ok(ReviewState::Unspecified),
                    "REVIEW_STATE_PENDING" => Ok(ReviewState::Pending),
                    "REVIEW_STATE_APPROVED" => Ok(ReviewState::Approved),
                    "REVIEW_STATE_REJECTED" => Ok(ReviewState::Rejected),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for Ring {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.latitudes.is_empty() {
            len += 1;
        }
        if !self.longitudes.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.Ring", len)?;
        if !self.latitudes.is_empty() {
            struct_ser.serialize_field("latitudes", &self.latitudes)?;
        }
        if !self.longitudes.is_empty() {
            struct_ser.serialize_field("longitudes", &self.longitudes)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for Ring {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "latitudes",
            "longitudes",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Latitudes,
            Longitudes,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "latitudes" => Ok(GeneratedField::Latitudes),
                            "longitudes" => Ok(GeneratedField::Longitudes),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = Ring;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.Ring")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<Ring, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut latitudes__ = None;
                let mut longitudes__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Latitudes => {
                            if latitudes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("latitudes"));
                            }
                            latitudes__ = 
                                Some(map_.next_value::<Vec<::pbjson::private::NumberDeserialize<_>>>()?
                                    .into_iter().map(|x| x.0).collect())
                            ;
                        }
                        GeneratedField::Longitudes => {
                            if longitudes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("longitudes"));
                            }
                            longitudes__ = 
                                Some(map_.next_value::<Vec<::pbjson::private::NumberDeserialize<_>>>()?
                                    .into_iter().map(|x| x.0).collect())
                            ;
                        }
                    }
                }
                Ok(Ring {
                    latitudes: latitudes__.unwrap_or_default(),
                    longitudes: longitudes__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.Ring", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for SearchArea {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.shape.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.SearchArea", len)?;
        if let Some(v) = self.shape.as_ref() {
            match v {
                search_area::Shape::Box(v) => {
                    struct_ser.serialize_field("box", v)?;
                }
                search_area::Shape::Polygons(v) => {
                    struct_ser.serialize_field("polygons", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for SearchArea {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "box",
            "polygons",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Box,
            Polygons,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "box" => Ok(GeneratedField::Box),
                            "polygons" => Ok(GeneratedField::Polygons),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = SearchArea;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.SearchArea")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<SearchArea, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut shape__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Box => {
                            if shape__.is_some() {
                                return Err(serde::de::Error::duplicate_field("box"));
                            }
                            shape__ = map_.next_value::<::std::option::Option<_>>()?.map(search_area::Shape::Box)
;
                        }
                        GeneratedField::Polygons => {
                            if shape__.is_some() {
                                return Err(serde::de::Error::duplicate_field("polygons"));
                            }
                            shape__ = map_.next_value::<::std::option::Option<_>>()?.map(search_area::Shape::Polygons)
;
                        }
                    }
                }
                Ok(SearchArea {
                    shape: shape__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.SearchArea", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for SearchNearbyRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.origin.is_some() {
            len += 1;
        }
        if self.radius_m.is_some() {
            len += 1;
        }
        if self.page_size != 0 {
            len += 1;
        }
        if !self.page_token.is_empty() {
            len += 1;
        }
        if self.min_distance_m != 0. {
            len += 1;
        }
        if self.filter.is_some() {
            len += 1;
        }
        if self.opening.is_some() {
            len += 1;
        }
        if self.view != 0 {
            len += 1;
        }
        if self.include_total {
            len += 1;
        }
        if self.output_coordinate_system != 0 {
            len += 1;
        }
        if self.expansion.is_some() {
            len += 1;
        }
        if self.group_by_position {
            len += 1;
        }
        if self.reach != 0 {
            len += 1;
        }
        if self.area.is_some() {
            len += 1;
        }
        if self.max_per_brand != 0 {
            len += 1;
        }
        if !self.language_code.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.SearchNearbyRequest", len)?;
        if let Some(v) = self.origin.as_ref() {
            struct_ser.serialize_field("origin", v)?;
        }
        if let Some(v) = self.radius_m.as_ref() {
            struct_ser.serialize_field("radiusM", v)?;
        }
        if self.page_size != 0 {
            struct_ser.serialize_field("pageSize", &self.page_size)?;
        }
        if !self.page_token.is_empty() {
            struct_ser.serialize_field("pageToken", &self.page_token)?;
        }
        if self.min_distance_m != 0. {
            struct_ser.serialize_field("minDistanceM", &self.min_distance_m)?;
        }
        if let Some(v) = self.filter.as_ref() {
            struct_ser.serialize_field("filter", v)?;
        }
        if let Some(v) = self.opening.as_ref() {
            struct_ser.serialize_field("opening", v)?;
        }
        if self.view != 0 {
            let v = MerchantView::try_from(self.view)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.view)))?;
            struct_ser.serialize_field("view", &v)?;
        }
        if self.include_total {
            struct_ser.serialize_field("includeTotal", &self.include_total)?;
        }
        if self.output_coordinate_system != 0 {
            let v = CoordinateSystem::try_from(self.output_coordinate_system)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.output_coordinate_system)))?;
            struct_ser.serialize_field("outputCoordinateSystem", &v)?;
        }
        if let Some(v) = self.expansion.as_ref() {
            struct_ser.serialize_field("expansion", v)?;
        }
        if self.group_by_position {
            struct_ser.serialize_field("groupByPosition", &self.group_by_position)?;
        }
        if self.reach != 0 {
            let v = Reach::try_from(self.reach)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.reach)))?;
            struct_ser.serialize_field("reach", &v)?;
        }
        if let Some(v) = self.area.as_ref() {
            struct_ser.serialize_field("area", v)?;
        }
        if self.max_per_brand != 0 {
            struct_ser.serialize_field("maxPerBrand", &self.max_per_brand)?;
        }
        if !self.language_code.is_empty() {
            struct_ser.serialize_field("languageCode", &self.language_code)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for SearchNearbyRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "origin",
            "radius_m",
            "radiusM",
            "page_size",
            "pageSize",
            "page_token",
            "pageToken",
            "min_distance_m",
            "minDistanceM",
            "filter",
            "opening",
            "view",
            "include_total",
            "includeTotal",
            "output_coordinate_system",
            "outputCoordinateSystem",
            "expansion",
            "group_by_position",
            "groupByPosition",
            "reach",
            "area",
            "max_per_brand",
            "maxPerBrand",
            "language_code",
            "languageCode",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Origin,
            RadiusM,
            PageSize,
            PageToken,
            MinDistanceM,
            Filter,
            Opening,
            View,
            IncludeTotal,
            OutputCoordinateSystem,
            Expansion,
            GroupByPosition,
            Reach,
            Area,
            MaxPerBrand,
            LanguageCode,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "origin" => Ok(GeneratedField::Origin),
                            "radiusM" | "radius_m" => Ok(GeneratedField::RadiusM),
                            "pageSize" | "page_size" => Ok(GeneratedField::PageSize),
                            "pageToken" | "page_token" => Ok(GeneratedField::PageToken),
                            "minDistanceM" | "min_distance_m" => Ok(GeneratedField::MinDistanceM),
                            "filter" => Ok(GeneratedField::Filter),
                            "opening" => Ok(GeneratedField::Opening),
                            "view" => Ok(GeneratedField::View),
                            "includeTotal" | "include_total" => Ok(GeneratedField::IncludeTotal),
                            "outputCoordinateSystem" | "output_coordinate_system" => Ok(GeneratedField::OutputCoordinateSystem),
                            "expansion" => Ok(GeneratedField::Expansion),
                            "groupByPosition" | "group_by_position" => Ok(GeneratedField::GroupByPosition),
                            "reach" => Ok(GeneratedField::Reach),
                            "area" => Ok(GeneratedField::Area),
                            "maxPerBrand" | "max_per_brand" => Ok(GeneratedField::MaxPerBrand),
                            "languageCode" | "language_code" => Ok(GeneratedField::LanguageCode),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = SearchNearbyRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.SearchNearbyRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<SearchNearbyRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut origin__ = None;
                let mut radius_m__ = None;
                let mut page_size__ = None;
                let mut page_token__ = None;
                let mut min_distance_m__ = None;
                let mut filter__ = None;
                let mut opening__ = None;
                let mut view__ = None;
                let mut include_total__ = None;
                let mut output_coordinate_system__ = None;
                let mut expansion__ = None;
                let mut group_by_position__ = None;
                let mut reach__ = None;
                let mut area__ = None;
                let mut max_per_brand__ = None;
                let mut language_code__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Origin => {
                            if origin__.is_some() {
                                return Err(serde::de::Error::duplicate_field("origin"));
                            }
                            origin__ = map_.next_value()?;
                        }
                        GeneratedField::RadiusM => {
                            if radius_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("radiusM"));
                            }
                            radius_m__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                        GeneratedField::PageSize => {
                            if page_size__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pageSize"));
                            }
                            page_size__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::PageToken => {
                            if page_token__.is_some() {
                                return Err(serde::de::Error::duplicate_field("pageToken"));
                            }
                            page_token__ = Some(map_.next_value()?);
                        }
                        GeneratedField::MinDistanceM => {
                            if min_distance_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("minDistanceM"));
                            }
                            min_distance_m__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Filter => {
                            if filter__.is_some() {
                                return Err(serde::de::Error::duplicate_field("filter"));
                            }
                            filter__ = map_.next_value()?;
                        }
                        GeneratedField::Opening => {
                            if opening__.is_some() {
                                return Err(serde::de::Error::duplicate_field("opening"));
                            }
                            opening__ = map_.next_value()?;
                        }
                        GeneratedField::View => {
                            if view__.is_some() {
                                return Err(serde::de::Error::duplicate_field("view"));
                            }
                            view__ = Some(map_.next_value::<MerchantView>()? as i32);
                        }
                        GeneratedField::IncludeTotal => {
                            if include_total__.is_some() {
                                return Err(serde::de::Error::duplicate_field("includeTotal"));
                            }
                            include_total__ = Some(map_.next_value()?);
                        }
                        GeneratedField::OutputCoordinateSystem => {
                            if output_coordinate_system__.is_some() {
                                return Err(serde::de::Error::duplicate_field("outputCoordinateSystem"));
                            }
                            output_coordinate_system__ = Some(map_.next_value::<CoordinateSystem>()? as i32);
                        }
                        GeneratedField::Expansion => {
                            if expansion__.is_some() {
                                return Err(serde::de::Error::duplicate_field("expansion"));
                            }
                            expansion__ = map_.next_value()?;
                        }
                        GeneratedField::GroupByPosition => {
                            if group_by_position__.is_some() {
                                return Err(serde::de::Error::duplicate_field("groupByPosition"));
                            }
                            group_by_position__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reach => {
                            if reach__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reach"));
                            }
                            reach__ = Some(map_.next_value::<Reach>()? as i32);
                        }
                        GeneratedField::Area => {
                            if area__.is_some() {
                                return Err(serde::de::Error::duplicate_field("area"));
                            }
                            area__ = map_.next_value()?;
                        }
                        GeneratedField::MaxPerBrand => {
                            if max_per_brand__.is_some() {
                                return Err(serde::de::Error::duplicate_field("maxPerBrand"));
                            }
                            max_per_brand__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LanguageCode => {
                            if language_code__.is_some() {
                                return Err(serde::de::Error::duplicate_field("languageCode"));
                            }
                            language_code__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(SearchNearbyRequest {
                    origin: origin__,
                    radius_m: radius_m__,
                    page_size: page_size__.unwrap_or_default(),
                    page_token: page_token__.unwrap_or_default(),
                    min_distance_m: min_distance_m__.unwrap_or_default(),
                    filter: filter__,
                    opening: opening__,
                    view: view__.unwrap_or_default(),
                    include_total: include_total__.unwrap_or_default(),
                    output_coordinate_system: output_coordinate_system__.unwrap_or_default(),
                    expansion: expansion__,
                    group_by_position: group_by_position__.unwrap_or_default(),
                    reach: reach__.unwrap_or_default(),
                    area: area__,
                    max_per_brand: max_per_brand__.unwrap_or_default(),
                    language_code: language_code__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.SearchNearbyRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for SearchNearbyResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.results.is_empty() {
            len += 1;
        }
        if !self.next_page_token.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        if self.total_size.is_some() {
            len += 1;
        }
        if self.possible_omissions != 0 {
            len += 1;
        }
        if self.area_truncated {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.SearchNearbyResponse", len)?;
        if !self.results.is_empty() {
            struct_ser.serialize_field("results", &self.results)?;
        }
        if !self.next_page_token.is_empty() {
            struct_ser.serialize_field("nextPageToken", &self.next_page_token)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if let Some(v) = self.total_size.as_ref() {
            struct_ser.serialize_field("totalSize", v)?;
        }
        if self.possible_omissions != 0 {
            struct_ser.serialize_field("possibleOmissions", &self.possible_omissions)?;
        }
        if self.area_truncated {
            struct_ser.serialize_field("areaTruncated", &self.area_truncated)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for SearchNearbyResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "results",
            "next_page_token",
            "nextPageToken",
            "revision",
            "total_size",
            "totalSize",
            "possible_omissions",
            "possibleOmissions",
            "area_truncated",
            "areaTruncated",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Results,
            NextPageToken,
            Revision,
            TotalSize,
            PossibleOmissions,
            AreaTruncated,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "results" => Ok(GeneratedField::Results),
                            "nextPageToken" | "next_page_token" => Ok(GeneratedField::NextPageToken),
                            "revision" => Ok(GeneratedField::Revision),
                            "totalSize" | "total_size" => Ok(GeneratedField::TotalSize),
                            "possibleOmissions" | "possible_omissions" => Ok(GeneratedField::PossibleOmissions),
                            "areaTruncated" | "area_truncated" => Ok(GeneratedField::AreaTruncated),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = SearchNearbyResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.SearchNearbyResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<SearchNearbyResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut results__ = None;
                let mut next_page_token__ = None;
                let mut revision__ = None;
                let mut total_size__ = None;
                let mut possible_omissions__ = None;
                let mut area_truncated__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Results => {
                            if results__.is_some() {
                                return Err(serde::de::Error::duplicate_field("results"));
                            }
                            results__ = Some(map_.next_value()?);
                        }
                        GeneratedField::NextPageToken => {
                            if next_page_token__.is_some() {
                                return Err(serde::de::Error::duplicate_field("nextPageToken"));
                            }
                            next_page_token__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::TotalSize => {
                            if total_size__.is_some() {
                                return Err(serde::de::Error::duplicate_field("totalSize"));
                            }
                            total_size__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                        GeneratedField::PossibleOmissions => {
                            if possible_omissions__.is_some() {
                                return Err(serde::de::Error::duplicate_field("possibleOmissions"));
                            }
                            possible_omissions__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::AreaTruncated => {
                            if area_truncated__.is_some() {
                                return Err(serde::de::Error::duplicate_field("areaTruncated"));
                            }
                            area_truncated__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(SearchNearbyResponse {
                    results: results__.unwrap_or_default(),
                    next_page_token: next_page_token__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                    total_size: total_size__,
                    possible_omissions: possible_omissions__.unwrap_or_default(),
                    area_truncated: area_truncated__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.SearchNearbyResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ServiceArea {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.shape.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ServiceArea", len)?;
        if let Some(v) = self.shape.as_ref() {
            match v {
                service_area::Shape::RadiusM(v) => {
                    struct_ser.serialize_field("radiusM", v)?;
                }
                service_area::Shape::Polygons(v) => {
                    struct_ser.serialize_field("polygons", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ServiceArea {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "radius_m",
            "radiusM",
            "polygons",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            RadiusM,
            Polygons,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "radiusM" | "radius_m" => Ok(GeneratedField::RadiusM),
                            "polygons" => Ok(GeneratedField::Polygons),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ServiceArea;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ServiceArea")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ServiceArea, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut shape__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::RadiusM => {
                            if shape__.is_some() {
                                return Err(serde::de::Error::duplicate_field("radiusM"));
                            }
                            shape__ = map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| service_area::Shape::RadiusM(x.0));
                        }
                        GeneratedField::Polygons => {
                            if shape__.is_some() {
                                return Err(serde::de::Error::duplicate_field("polygons"));
                            }
                            shape__ = map_.next_value::<::std::option::Option<_>>()?.map(service_area::Shape::Polygons)
;
                        }
                    }
                }
                Ok(ServiceArea {
                    shape: shape__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ServiceArea", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ServiceLink {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.service.is_empty() {
            len += 1;
        }
        if !self.description.is_empty() {
            len += 1;
        }
        if self.target.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ServiceLink", len)?;
        if !self.service.is_empty() {
            struct_ser.serialize_field("service", &self.service)?;
        }
        if !self.description.is_empty() {
            struct_ser.serialize_field("description", &self.description)?;
        }
        if let Some(v) = self.target.as_ref() {
            match v {
                service_link::Target::MiniProgram(v) => {
                    struct_ser.serialize_field("miniProgram", v)?;
                }
                service_link::Target::WebUri(v) => {
                    struct_ser.serialize_field("webUri", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ServiceLink {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "service",
            "description",
            "mini_program",
            "miniProgram",
            "web_uri",
            "webUri",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Service,
            Description,
            MiniProgram,
            WebUri,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "service" => Ok(GeneratedField::Service),
                            "description" => Ok(GeneratedField::Description),
                            "miniProgram" | "mini_program" => Ok(GeneratedField::MiniProgram),
                            "webUri" | "web_uri" => Ok(GeneratedField::WebUri),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ServiceLink;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ServiceLink")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ServiceLink, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut service__ = None;
                let mut description__ = None;
                let mut target__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Service => {
                            if service__.is_some() {
                                return Err(serde::de::Error::duplicate_field("service"));
                            }
                            service__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Description => {
                            if description__.is_some() {
                                return Err(serde::de::Error::duplicate_field("description"));
                            }
                            description__ = Some(map_.next_value()?);
                        }
                        GeneratedField::MiniProgram => {
                            if target__.is_some() {
                                return Err(serde::de::Error::duplicate_field("miniProgram"));
                            }
                            target__ = map_.next_value::<::std::option::Option<_>>()?.map(service_link::Target::MiniProgram)
;
                        }
                        GeneratedField::WebUri => {
                            if target__.is_some() {
                                return Err(serde::de::Error::duplicate_field("webUri"));
                            }
                            target__ = map_.next_value::<::std::option::Option<_>>()?.map(service_link::Target::WebUri);
                        }
                    }
                }
                Ok(ServiceLink {
                    service: service__.unwrap_or_default(),
                    description: description__.unwrap_or_default(),
                    target: target__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ServiceLink", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for ShowMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.name.is_empty() {
            len += 1;
        }
        if !self.etag.is_empty() {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.ShowMerchantRequest", len)?;
        if !self.name.is_empty() {
            struct_ser.serialize_field("name", &self.name)?;
        }
        if !self.etag.is_empty() {
            struct_ser.serialize_field("etag", &self.etag)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for ShowMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "name",
            "etag",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Name,
            Etag,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "name" => Ok(GeneratedField::Name),
                            "etag" => Ok(GeneratedField::Etag),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = ShowMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.ShowMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<ShowMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut name__ = None;
                let mut etag__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Name => {
                            if name__.is_some() {
                                return Err(serde::de::Error::duplicate_field("name"));
                            }
                            name__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Etag => {
                            if etag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("etag"));
                            }
                            etag__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(ShowMerchantRequest {
                    name: name__.unwrap_or_default(),
                    etag: etag__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.ShowMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for SpecialDay {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.date.is_some() {
            len += 1;
        }
        if !self.periods.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.SpecialDay", len)?;
        if let Some(v) = self.date.as_ref() {
            struct_ser.serialize_field("date", v)?;
        }
        if !self.periods.is_empty() {
            struct_ser.serialize_field("periods", &self.periods)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for SpecialDay {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "date",
            "periods",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Date,
            Periods,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "date" => Ok(GeneratedField::Date),
                            "periods" => Ok(GeneratedField::Periods),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = SpecialDay;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.SpecialDay")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<SpecialDay, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut date__ = None;
                let mut periods__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Date => {
                            if date__.is_some() {
                                return Err(serde::de::Error::duplicate_field("date"));
                            }
                            date__ = map_.next_value()?;
                        }
                        GeneratedField::Periods => {
                            if periods__.is_some() {
                                return Err(serde::de::Error::duplicate_field("periods"));
                            }
                            periods__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(SpecialDay {
                    date: date__,
                    periods: periods__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.SpecialDay", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for StreamSearchNearbyRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.tag != 0 {
            len += 1;
        }
        if self.request.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.StreamSearchNearbyRequest", len)?;
        if self.tag != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("tag", ToString::to_string(&self.tag).as_str())?;
        }
        if let Some(v) = self.request.as_ref() {
            struct_ser.serialize_field("request", v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for StreamSearchNearbyRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "tag",
            "request",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Tag,
            Request,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "tag" => Ok(GeneratedField::Tag),
                            "request" => Ok(GeneratedField::Request),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = StreamSearchNearbyRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.StreamSearchNearbyRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<StreamSearchNearbyRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut tag__ = None;
                let mut request__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Tag => {
                            if tag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("tag"));
                            }
                            tag__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Request => {
                            if request__.is_some() {
                                return Err(serde::de::Error::duplicate_field("request"));
                            }
                            request__ = map_.next_value()?;
                        }
                    }
                }
                Ok(StreamSearchNearbyRequest {
                    tag: tag__.unwrap_or_default(),
                    request: request__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.StreamSearchNearbyRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for StreamSearchNearbyResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.tag != 0 {
            len += 1;
        }
        if self.outcome.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.StreamSearchNearbyResponse", len)?;
        if self.tag != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("tag", ToString::to_string(&self.tag).as_str())?;
        }
        if let Some(v) = self.outcome.as_ref() {
            match v {
                stream_search_nearby_response::Outcome::Response(v) => {
                    struct_ser.serialize_field("response", v)?;
                }
                stream_search_nearby_response::Outcome::Status(v) => {
                    struct_ser.serialize_field("status", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for StreamSearchNearbyResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "tag",
            "response",
            "status",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Tag,
            Response,
            Status,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "tag" => Ok(GeneratedField::Tag),
                            "response" => Ok(GeneratedField::Response),
                            "status" => Ok(GeneratedField::Status),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = StreamSearchNearbyResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.StreamSearchNearbyResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<StreamSearchNearbyResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut tag__ = None;
                let mut outcome__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Tag => {
                            if tag__.is_some() {
                                return Err(serde::de::Error::duplicate_field("tag"));
                            }
                            tag__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Response => {
                            if outcome__.is_some() {
                                return Err(serde::de::Error::duplicate_field("response"));
                            }
                            outcome__ = map_.next_value::<::std::option::Option<_>>()?.map(stream_search_nearby_response::Outcome::Response)
;
                        }
                        GeneratedField::Status => {
                            if outcome__.is_some() {
                                return Err(serde::de::Error::duplicate_field("status"));
                            }
                            outcome__ = map_.next_value::<::std::option::Option<_>>()?.map(stream_search_nearby_response::Outcome::Status)
;
                        }
                    }
                }
                Ok(StreamSearchNearbyResponse {
                    tag: tag__.unwrap_or_default(),
                    outcome: outcome__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.StreamSearchNearbyResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for UpdateMerchantRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.merchant.is_some() {
            len += 1;
        }
        if self.update_mask.is_some() {
            len += 1;
        }
        if self.allow_missing {
            len += 1;
        }
        if !self.request_id.is_empty() {
            len += 1;
        }
        if self.validate_only {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.UpdateMerchantRequest", len)?;
        if let Some(v) = self.merchant.as_ref() {
            struct_ser.serialize_field("merchant", v)?;
        }
        if let Some(v) = self.update_mask.as_ref() {
            struct_ser.serialize_field("updateMask", v)?;
        }
        if self.allow_missing {
            struct_ser.serialize_field("allowMissing", &self.allow_missing)?;
        }
        if !self.request_id.is_empty() {
            struct_ser.serialize_field("requestId", &self.request_id)?;
        }
        if self.validate_only {
            struct_ser.serialize_field("validateOnly", &self.validate_only)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for UpdateMerchantRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "merchant",
            "update_mask",
            "updateMask",
            "allow_missing",
            "allowMissing",
            "request_id",
            "requestId",
            "validate_only",
            "validateOnly",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Merchant,
            UpdateMask,
            AllowMissing,
            RequestId,
            ValidateOnly,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "merchant" => Ok(GeneratedField::Merchant),
                            "updateMask" | "update_mask" => Ok(GeneratedField::UpdateMask),
                            "allowMissing" | "allow_missing" => Ok(GeneratedField::AllowMissing),
                            "requestId" | "request_id" => Ok(GeneratedField::RequestId),
                            "validateOnly" | "validate_only" => Ok(GeneratedField::ValidateOnly),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = UpdateMerchantRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.UpdateMerchantRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<UpdateMerchantRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut merchant__ = None;
                let mut update_mask__ = None;
                let mut allow_missing__ = None;
                let mut request_id__ = None;
                let mut validate_only__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Merchant => {
                            if merchant__.is_some() {
                                return Err(serde::de::Error::duplicate_field("merchant"));
                            }
                            merchant__ = map_.next_value()?;
                        }
                        GeneratedField::UpdateMask => {
                            if update_mask__.is_some() {
                                return Err(serde::de::Error::duplicate_field("updateMask"));
                            }
                            update_mask__ = map_.next_value()?;
                        }
                        GeneratedField::AllowMissing => {
                            if allow_missing__.is_some() {
                                return Err(serde::de::Error::duplicate_field("allowMissing"));
                            }
                            allow_missing__ = Some(map_.next_value()?);
                        }
                        GeneratedField::RequestId => {
                            if request_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("requestId"));
                            }
                            request_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::ValidateOnly => {
                            if validate_only__.is_some() {
                                return Err(serde::de::Error::duplicate_field("validateOnly"));
                            }
                            validate_only__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(UpdateMerchantRequest {
                    merchant: merchant__,
                    update_mask: update_mask__,
                    allow_missing: allow_missing__.unwrap_or_default(),
                    request_id: request_id__.unwrap_or_default(),
                    validate_only: validate_only__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.UpdateMerchantRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for UpgradeClusterFormatRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.format != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.UpgradeClusterFormatRequest", len)?;
        if self.format != 0 {
            struct_ser.serialize_field("format", &self.format)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for UpgradeClusterFormatRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "format",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Format,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "format" => Ok(GeneratedField::Format),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = UpgradeClusterFormatRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.UpgradeClusterFormatRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<UpgradeClusterFormatRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut format__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Format => {
                            if format__.is_some() {
                                return Err(serde::de::Error::duplicate_field("format"));
                            }
                            format__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(UpgradeClusterFormatRequest {
                    format: format__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.UpgradeClusterFormatRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for UpgradeClusterFormatResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.sequence != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.UpgradeClusterFormatResponse", len)?;
        if self.sequence != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("sequence", ToString::to_string(&self.sequence).as_str())?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for UpgradeClusterFormatResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "sequence",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Sequence,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "sequence" => Ok(GeneratedField::Sequence),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = UpgradeClusterFormatResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.UpgradeClusterFormatResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<UpgradeClusterFormatResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut sequence__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Sequence => {
                            if sequence__.is_some() {
                                return Err(serde::de::Error::duplicate_field("sequence"));
                            }
                            sequence__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(UpgradeClusterFormatResponse {
                    sequence: sequence__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.UpgradeClusterFormatResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Visibility {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "VISIBILITY_UNSPECIFIED",
            Self::Visible => "VISIBILITY_VISIBLE",
            Self::Hidden => "VISIBILITY_HIDDEN",
            Self::Missing => "VISIBILITY_MISSING",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for Visibility {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "VISIBILITY_UNSPECIFIED",
            "VISIBILITY_VISIBLE",
            "VISIBILITY_HIDDEN",
            "VISIBILITY_MISSING",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = Visibility;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "VISIBILITY_UNSPECIFIED" => Ok(Visibility::Unspecified),
                    "VISIBILITY_VISIBLE" => Ok(Visibility::Visible),
                    "VISIBILITY_HIDDEN" => Ok(Visibility::Hidden),
                    "VISIBILITY_MISSING" => Ok(Visibility::Missing),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for VisibilityScope {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "VISIBILITY_SCOPE_UNSPECIFIED",
            Self::Visible => "VISIBILITY_SCOPE_VISIBLE",
            Self::Hidden => "VISIBILITY_SCOPE_HIDDEN",
            Self::All => "VISIBILITY_SCOPE_ALL",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for VisibilityScope {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "VISIBILITY_SCOPE_UNSPECIFIED",
            "VISIBILITY_SCOPE_VISIBLE",
            "VISIBILITY_SCOPE_HIDDEN",
            "VISIBILITY_SCOPE_ALL",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = VisibilityScope;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "VISIBILITY_SCOPE_UNSPECIFIED" => Ok(VisibilityScope::Unspecified),
                    "VISIBILITY_SCOPE_VISIBLE" => Ok(VisibilityScope::Visible),
                    "VISIBILITY_SCOPE_HIDDEN" => Ok(VisibilityScope::Hidden),
                    "VISIBILITY_SCOPE_ALL" => Ok(VisibilityScope::All),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for WatchMerchantsRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.revision.is_some() {
            len += 1;
        }
        if !self.history_id.is_empty() {
            len += 1;
        }
        if self.view != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.WatchMerchantsRequest", len)?;
        if let Some(v) = self.revision.as_ref() {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&v).as_str())?;
        }
        if !self.history_id.is_empty() {
            struct_ser.serialize_field("historyId", &self.history_id)?;
        }
        if self.view != 0 {
            let v = MerchantView::try_from(self.view)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.view)))?;
            struct_ser.serialize_field("view", &v)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WatchMerchantsRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "revision",
            "history_id",
            "historyId",
            "view",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Revision,
            HistoryId,
            View,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "revision" => Ok(GeneratedField::Revision),
                            "historyId" | "history_id" => Ok(GeneratedField::HistoryId),
                            "view" => Ok(GeneratedField::View),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WatchMerchantsRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.WatchMerchantsRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WatchMerchantsRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut revision__ = None;
                let mut history_id__ = None;
                let mut view__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                        GeneratedField::HistoryId => {
                            if history_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("historyId"));
                            }
                            history_id__ = Some(map_.next_value()?);
                        }
                        GeneratedField::View => {
                            if view__.is_some() {
                                return Err(serde::de::Error::duplicate_field("view"));
                            }
                            view__ = Some(map_.next_value::<MerchantView>()? as i32);
                        }
                    }
                }
                Ok(WatchMerchantsRequest {
                    revision: revision__,
                    history_id: history_id__.unwrap_or_default(),
                    view: view__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.WatchMerchantsRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for WatchMerchantsResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if !self.changes.is_empty() {
            len += 1;
        }
        if self.revision != 0 {
            len += 1;
        }
        if !self.history_id.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.WatchMerchantsResponse", len)?;
        if !self.changes.is_empty() {
            struct_ser.serialize_field("changes", &self.changes)?;
        }
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if !self.history_id.is_empty() {
            struct_ser.serialize_field("historyId", &self.history_id)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WatchMerchantsResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "changes",
            "revision",
            "history_id",
            "historyId",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Changes,
            Revision,
            HistoryId,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "changes" => Ok(GeneratedField::Changes),
                            "revision" => Ok(GeneratedField::Revision),
                            "historyId" | "history_id" => Ok(GeneratedField::HistoryId),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WatchMerchantsResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.WatchMerchantsResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WatchMerchantsResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut changes__ = None;
                let mut revision__ = None;
                let mut history_id__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Changes => {
                            if changes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("changes"));
                            }
                            changes__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::HistoryId => {
                            if history_id__.is_some() {
                                return Err(serde::de::Error::duplicate_field("historyId"));
                            }
                            history_id__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(WatchMerchantsResponse {
                    changes: changes__.unwrap_or_default(),
                    revision: revision__.unwrap_or_default(),
                    history_id: history_id__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.WatchMerchantsResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for WatchNearbyRequest {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.step.is_some() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.WatchNearbyRequest", len)?;
        if let Some(v) = self.step.as_ref() {
            match v {
                watch_nearby_request::Step::Start(v) => {
                    struct_ser.serialize_field("start", v)?;
                }
                watch_nearby_request::Step::Origin(v) => {
                    struct_ser.serialize_field("origin", v)?;
                }
            }
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WatchNearbyRequest {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "start",
            "origin",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Start,
            Origin,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "start" => Ok(GeneratedField::Start),
                            "origin" => Ok(GeneratedField::Origin),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WatchNearbyRequest;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.WatchNearbyRequest")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WatchNearbyRequest, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut step__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Start => {
                            if step__.is_some() {
                                return Err(serde::de::Error::duplicate_field("start"));
                            }
                            step__ = map_.next_value::<::std::option::Option<_>>()?.map(watch_nearby_request::Step::Start)
;
                        }
                        GeneratedField::Origin => {
                            if step__.is_some() {
                                return Err(serde::de::Error::duplicate_field("origin"));
                            }
                            step__ = map_.next_value::<::std::option::Option<_>>()?.map(watch_nearby_request::Step::Origin)
;
                        }
                    }
                }
                Ok(WatchNearbyRequest {
                    step: step__,
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.WatchNearbyRequest", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for WatchNearbyResponse {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.revision != 0 {
            len += 1;
        }
        if self.reset {
            len += 1;
        }
        if !self.entered.is_empty() {
            len += 1;
        }
        if !self.updated.is_empty() {
            len += 1;
        }
        if !self.moved.is_empty() {
            len += 1;
        }
        if !self.left.is_empty() {
            len += 1;
        }
        if self.steps != 0 {
            len += 1;
        }
        if !self.resume_token.is_empty() {
            len += 1;
        }
        if self.area_truncated {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.WatchNearbyResponse", len)?;
        if self.revision != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("revision", ToString::to_string(&self.revision).as_str())?;
        }
        if self.reset {
            struct_ser.serialize_field("reset", &self.reset)?;
        }
        if !self.entered.is_empty() {
            struct_ser.serialize_field("entered", &self.entered)?;
        }
        if !self.updated.is_empty() {
            struct_ser.serialize_field("updated", &self.updated)?;
        }
        if !self.moved.is_empty() {
            struct_ser.serialize_field("moved", &self.moved)?;
        }
        if !self.left.is_empty() {
            struct_ser.serialize_field("left", &self.left)?;
        }
        if self.steps != 0 {
            #[allow(clippy::needless_borrow)]
            #[allow(clippy::needless_borrows_for_generic_args)]
            struct_ser.serialize_field("steps", ToString::to_string(&self.steps).as_str())?;
        }
        if !self.resume_token.is_empty() {
            struct_ser.serialize_field("resumeToken", &self.resume_token)?;
        }
        if self.area_truncated {
            struct_ser.serialize_field("areaTruncated", &self.area_truncated)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WatchNearbyResponse {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "revision",
            "reset",
            "entered",
            "updated",
            "moved",
            "left",
            "steps",
            "resume_token",
            "resumeToken",
            "area_truncated",
            "areaTruncated",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Revision,
            Reset,
            Entered,
            Updated,
            Moved,
            Left,
            Steps,
            ResumeToken,
            AreaTruncated,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "revision" => Ok(GeneratedField::Revision),
                            "reset" => Ok(GeneratedField::Reset),
                            "entered" => Ok(GeneratedField::Entered),
                            "updated" => Ok(GeneratedField::Updated),
                            "moved" => Ok(GeneratedField::Moved),
                            "left" => Ok(GeneratedField::Left),
                            "steps" => Ok(GeneratedField::Steps),
                            "resumeToken" | "resume_token" => Ok(GeneratedField::ResumeToken),
                            "areaTruncated" | "area_truncated" => Ok(GeneratedField::AreaTruncated),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WatchNearbyResponse;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.WatchNearbyResponse")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WatchNearbyResponse, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut revision__ = None;
                let mut reset__ = None;
                let mut entered__ = None;
                let mut updated__ = None;
                let mut moved__ = None;
                let mut left__ = None;
                let mut steps__ = None;
                let mut resume_token__ = None;
                let mut area_truncated__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Revision => {
                            if revision__.is_some() {
                                return Err(serde::de::Error::duplicate_field("revision"));
                            }
                            revision__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Reset => {
                            if reset__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reset"));
                            }
                            reset__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Entered => {
                            if entered__.is_some() {
                                return Err(serde::de::Error::duplicate_field("entered"));
                            }
                            entered__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Updated => {
                            if updated__.is_some() {
                                return Err(serde::de::Error::duplicate_field("updated"));
                            }
                            updated__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Moved => {
                            if moved__.is_some() {
                                return Err(serde::de::Error::duplicate_field("moved"));
                            }
                            moved__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Left => {
                            if left__.is_some() {
                                return Err(serde::de::Error::duplicate_field("left"));
                            }
                            left__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Steps => {
                            if steps__.is_some() {
                                return Err(serde::de::Error::duplicate_field("steps"));
                            }
                            steps__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ResumeToken => {
                            if resume_token__.is_some() {
                                return Err(serde::de::Error::duplicate_field("resumeToken"));
                            }
                            resume_token__ = Some(map_.next_value()?);
                        }
                        GeneratedField::AreaTruncated => {
                            if area_truncated__.is_some() {
                                return Err(serde::de::Error::duplicate_field("areaTruncated"));
                            }
                            area_truncated__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(WatchNearbyResponse {
                    revision: revision__.unwrap_or_default(),
                    reset: reset__.unwrap_or_default(),
                    entered: entered__.unwrap_or_default(),
                    updated: updated__.unwrap_or_default(),
                    moved: moved__.unwrap_or_default(),
                    left: left__.unwrap_or_default(),
                    steps: steps__.unwrap_or_default(),
                    resume_token: resume_token__.unwrap_or_default(),
                    area_truncated: area_truncated__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.WatchNearbyResponse", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for WatchNearbyStart {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.origin.is_some() {
            len += 1;
        }
        if self.radius_m.is_some() {
            len += 1;
        }
        if self.max_results != 0 {
            len += 1;
        }
        if self.min_distance_m != 0. {
            len += 1;
        }
        if self.filter.is_some() {
            len += 1;
        }
        if self.view != 0 {
            len += 1;
        }
        if self.output_coordinate_system != 0 {
            len += 1;
        }
        if self.max_per_brand != 0 {
            len += 1;
        }
        if !self.resume_token.is_empty() {
            len += 1;
        }
        if self.reach != 0 {
            len += 1;
        }
        if self.area.is_some() {
            len += 1;
        }
        if !self.language_code.is_empty() {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.WatchNearbyStart", len)?;
        if let Some(v) = self.origin.as_ref() {
            struct_ser.serialize_field("origin", v)?;
        }
        if let Some(v) = self.radius_m.as_ref() {
            struct_ser.serialize_field("radiusM", v)?;
        }
        if self.max_results != 0 {
            struct_ser.serialize_field("maxResults", &self.max_results)?;
        }
        if self.min_distance_m != 0. {
            struct_ser.serialize_field("minDistanceM", &self.min_distance_m)?;
        }
        if let Some(v) = self.filter.as_ref() {
            struct_ser.serialize_field("filter", v)?;
        }
        if self.view != 0 {
            let v = MerchantView::try_from(self.view)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.view)))?;
            struct_ser.serialize_field("view", &v)?;
        }
        if self.output_coordinate_system != 0 {
            let v = CoordinateSystem::try_from(self.output_coordinate_system)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.output_coordinate_system)))?;
            struct_ser.serialize_field("outputCoordinateSystem", &v)?;
        }
        if self.max_per_brand != 0 {
            struct_ser.serialize_field("maxPerBrand", &self.max_per_brand)?;
        }
        if !self.resume_token.is_empty() {
            struct_ser.serialize_field("resumeToken", &self.resume_token)?;
        }
        if self.reach != 0 {
            let v = Reach::try_from(self.reach)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.reach)))?;
            struct_ser.serialize_field("reach", &v)?;
        }
        if let Some(v) = self.area.as_ref() {
            struct_ser.serialize_field("area", v)?;
        }
        if !self.language_code.is_empty() {
            struct_ser.serialize_field("languageCode", &self.language_code)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WatchNearbyStart {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "origin",
            "radius_m",
            "radiusM",
            "max_results",
            "maxResults",
            "min_distance_m",
            "minDistanceM",
            "filter",
            "view",
            "output_coordinate_system",
            "outputCoordinateSystem",
            "max_per_brand",
            "maxPerBrand",
            "resume_token",
            "resumeToken",
            "reach",
            "area",
            "language_code",
            "languageCode",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Origin,
            RadiusM,
            MaxResults,
            MinDistanceM,
            Filter,
            View,
            OutputCoordinateSystem,
            MaxPerBrand,
            ResumeToken,
            Reach,
            Area,
            LanguageCode,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "origin" => Ok(GeneratedField::Origin),
                            "radiusM" | "radius_m" => Ok(GeneratedField::RadiusM),
                            "maxResults" | "max_results" => Ok(GeneratedField::MaxResults),
                            "minDistanceM" | "min_distance_m" => Ok(GeneratedField::MinDistanceM),
                            "filter" => Ok(GeneratedField::Filter),
                            "view" => Ok(GeneratedField::View),
                            "outputCoordinateSystem" | "output_coordinate_system" => Ok(GeneratedField::OutputCoordinateSystem),
                            "maxPerBrand" | "max_per_brand" => Ok(GeneratedField::MaxPerBrand),
                            "resumeToken" | "resume_token" => Ok(GeneratedField::ResumeToken),
                            "reach" => Ok(GeneratedField::Reach),
                            "area" => Ok(GeneratedField::Area),
                            "languageCode" | "language_code" => Ok(GeneratedField::LanguageCode),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WatchNearbyStart;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.WatchNearbyStart")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WatchNearbyStart, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut origin__ = None;
                let mut radius_m__ = None;
                let mut max_results__ = None;
                let mut min_distance_m__ = None;
                let mut filter__ = None;
                let mut view__ = None;
                let mut output_coordinate_system__ = None;
                let mut max_per_brand__ = None;
                let mut resume_token__ = None;
                let mut reach__ = None;
                let mut area__ = None;
                let mut language_code__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Origin => {
                            if origin__.is_some() {
                                return Err(serde::de::Error::duplicate_field("origin"));
                            }
                            origin__ = map_.next_value()?;
                        }
                        GeneratedField::RadiusM => {
                            if radius_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("radiusM"));
                            }
                            radius_m__ = 
                                map_.next_value::<::std::option::Option<::pbjson::private::NumberDeserialize<_>>>()?.map(|x| x.0)
                            ;
                        }
                        GeneratedField::MaxResults => {
                            if max_results__.is_some() {
                                return Err(serde::de::Error::duplicate_field("maxResults"));
                            }
                            max_results__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::MinDistanceM => {
                            if min_distance_m__.is_some() {
                                return Err(serde::de::Error::duplicate_field("minDistanceM"));
                            }
                            min_distance_m__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::Filter => {
                            if filter__.is_some() {
                                return Err(serde::de::Error::duplicate_field("filter"));
                            }
                            filter__ = map_.next_value()?;
                        }
                        GeneratedField::View => {
                            if view__.is_some() {
                                return Err(serde::de::Error::duplicate_field("view"));
                            }
                            view__ = Some(map_.next_value::<MerchantView>()? as i32);
                        }
                        GeneratedField::OutputCoordinateSystem => {
                            if output_coordinate_system__.is_some() {
                                return Err(serde::de::Error::duplicate_field("outputCoordinateSystem"));
                            }
                            output_coordinate_system__ = Some(map_.next_value::<CoordinateSystem>()? as i32);
                        }
                        GeneratedField::MaxPerBrand => {
                            if max_per_brand__.is_some() {
                                return Err(serde::de::Error::duplicate_field("maxPerBrand"));
                            }
                            max_per_brand__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::ResumeToken => {
                            if resume_token__.is_some() {
                                return Err(serde::de::Error::duplicate_field("resumeToken"));
                            }
                            resume_token__ = Some(map_.next_value()?);
                        }
                        GeneratedField::Reach => {
                            if reach__.is_some() {
                                return Err(serde::de::Error::duplicate_field("reach"));
                            }
                            reach__ = Some(map_.next_value::<Reach>()? as i32);
                        }
                        GeneratedField::Area => {
                            if area__.is_some() {
                                return Err(serde::de::Error::duplicate_field("area"));
                            }
                            area__ = map_.next_value()?;
                        }
                        GeneratedField::LanguageCode => {
                            if language_code__.is_some() {
                                return Err(serde::de::Error::duplicate_field("languageCode"));
                            }
                            language_code__ = Some(map_.next_value()?);
                        }
                    }
                }
                Ok(WatchNearbyStart {
                    origin: origin__,
                    radius_m: radius_m__,
                    max_results: max_results__.unwrap_or_default(),
                    min_distance_m: min_distance_m__.unwrap_or_default(),
                    filter: filter__,
                    view: view__.unwrap_or_default(),
                    output_coordinate_system: output_coordinate_system__.unwrap_or_default(),
                    max_per_brand: max_per_brand__.unwrap_or_default(),
                    resume_token: resume_token__.unwrap_or_default(),
                    reach: reach__.unwrap_or_default(),
                    area: area__,
                    language_code: language_code__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.WatchNearbyStart", FIELDS, GeneratedVisitor)
    }
}
impl serde::Serialize for Weekday {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        let variant = match self {
            Self::Unspecified => "WEEKDAY_UNSPECIFIED",
            Self::Monday => "WEEKDAY_MONDAY",
            Self::Tuesday => "WEEKDAY_TUESDAY",
            Self::Wednesday => "WEEKDAY_WEDNESDAY",
            Self::Thursday => "WEEKDAY_THURSDAY",
            Self::Friday => "WEEKDAY_FRIDAY",
            Self::Saturday => "WEEKDAY_SATURDAY",
            Self::Sunday => "WEEKDAY_SUNDAY",
        };
        serializer.serialize_str(variant)
    }
}
impl<'de> serde::Deserialize<'de> for Weekday {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "WEEKDAY_UNSPECIFIED",
            "WEEKDAY_MONDAY",
            "WEEKDAY_TUESDAY",
            "WEEKDAY_WEDNESDAY",
            "WEEKDAY_THURSDAY",
            "WEEKDAY_FRIDAY",
            "WEEKDAY_SATURDAY",
            "WEEKDAY_SUNDAY",
        ];

        struct GeneratedVisitor;

        impl serde::de::Visitor<'_> for GeneratedVisitor {
            type Value = Weekday;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(formatter, "expected one of: {:?}", &FIELDS)
            }

            fn visit_i64<E>(self, v: i64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Signed(v), &self)
                    })
            }

            fn visit_u64<E>(self, v: u64) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                i32::try_from(v)
                    .ok()
                    .and_then(|x| x.try_into().ok())
                    .ok_or_else(|| {
                        serde::de::Error::invalid_value(serde::de::Unexpected::Unsigned(v), &self)
                    })
            }

            fn visit_str<E>(self, value: &str) -> std::result::Result<Self::Value, E>
            where
                E: serde::de::Error,
            {
                match value {
                    "WEEKDAY_UNSPECIFIED" => Ok(Weekday::Unspecified),
                    "WEEKDAY_MONDAY" => Ok(Weekday::Monday),
                    "WEEKDAY_TUESDAY" => Ok(Weekday::Tuesday),
                    "WEEKDAY_WEDNESDAY" => Ok(Weekday::Wednesday),
                    "WEEKDAY_THURSDAY" => Ok(Weekday::Thursday),
                    "WEEKDAY_FRIDAY" => Ok(Weekday::Friday),
                    "WEEKDAY_SATURDAY" => Ok(Weekday::Saturday),
                    "WEEKDAY_SUNDAY" => Ok(Weekday::Sunday),
                    _ => Err(serde::de::Error::unknown_variant(value, FIELDS)),
                }
            }
        }
        deserializer.deserialize_any(GeneratedVisitor)
    }
}
impl serde::Serialize for WeeklyPeriod {
    #[allow(deprecated)]
    fn serialize<S>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error>
    where
        S: serde::Serializer,
    {
        use serde::ser::SerializeStruct;
        let mut len = 0;
        if self.weekday != 0 {
            len += 1;
        }
        if self.start_minute != 0 {
            len += 1;
        }
        if self.length_minutes != 0 {
            len += 1;
        }
        let mut struct_ser = serializer.serialize_struct("nearby.v1.WeeklyPeriod", len)?;
        if self.weekday != 0 {
            let v = Weekday::try_from(self.weekday)
                .map_err(|_| serde::ser::Error::custom(format!("Invalid variant {}", self.weekday)))?;
            struct_ser.serialize_field("weekday", &v)?;
        }
        if self.start_minute != 0 {
            struct_ser.serialize_field("startMinute", &self.start_minute)?;
        }
        if self.length_minutes != 0 {
            struct_ser.serialize_field("lengthMinutes", &self.length_minutes)?;
        }
        struct_ser.end()
    }
}
impl<'de> serde::Deserialize<'de> for WeeklyPeriod {
    #[allow(deprecated)]
    fn deserialize<D>(deserializer: D) -> std::result::Result<Self, D::Error>
    where
        D: serde::Deserializer<'de>,
    {
        const FIELDS: &[&str] = &[
            "weekday",
            "start_minute",
            "startMinute",
            "length_minutes",
            "lengthMinutes",
        ];

        #[allow(clippy::enum_variant_names)]
        enum GeneratedField {
            Weekday,
            StartMinute,
            LengthMinutes,
        }
        impl<'de> serde::Deserialize<'de> for GeneratedField {
            fn deserialize<D>(deserializer: D) -> std::result::Result<GeneratedField, D::Error>
            where
                D: serde::Deserializer<'de>,
            {
                struct GeneratedVisitor;

                impl serde::de::Visitor<'_> for GeneratedVisitor {
                    type Value = GeneratedField;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(formatter, "expected one of: {:?}", &FIELDS)
                    }

                    #[allow(unused_variables)]
                    fn visit_str<E>(self, value: &str) -> std::result::Result<GeneratedField, E>
                    where
                        E: serde::de::Error,
                    {
                        match value {
                            "weekday" => Ok(GeneratedField::Weekday),
                            "startMinute" | "start_minute" => Ok(GeneratedField::StartMinute),
                            "lengthMinutes" | "length_minutes" => Ok(GeneratedField::LengthMinutes),
                            _ => Err(serde::de::Error::unknown_field(value, FIELDS)),
                        }
                    }
                }
                deserializer.deserialize_identifier(GeneratedVisitor)
            }
        }
        struct GeneratedVisitor;
        impl<'de> serde::de::Visitor<'de> for GeneratedVisitor {
            type Value = WeeklyPeriod;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("struct nearby.v1.WeeklyPeriod")
            }

            fn visit_map<V>(self, mut map_: V) -> std::result::Result<WeeklyPeriod, V::Error>
                where
                    V: serde::de::MapAccess<'de>,
            {
                let mut weekday__ = None;
                let mut start_minute__ = None;
                let mut length_minutes__ = None;
                while let Some(k) = map_.next_key()? {
                    match k {
                        GeneratedField::Weekday => {
                            if weekday__.is_some() {
                                return Err(serde::de::Error::duplicate_field("weekday"));
                            }
                            weekday__ = Some(map_.next_value::<Weekday>()? as i32);
                        }
                        GeneratedField::StartMinute => {
                            if start_minute__.is_some() {
                                return Err(serde::de::Error::duplicate_field("startMinute"));
                            }
                            start_minute__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                        GeneratedField::LengthMinutes => {
                            if length_minutes__.is_some() {
                                return Err(serde::de::Error::duplicate_field("lengthMinutes"));
                            }
                            length_minutes__ = 
                                Some(map_.next_value::<::pbjson::private::NumberDeserialize<_>>()?.0)
                            ;
                        }
                    }
                }
                Ok(WeeklyPeriod {
                    weekday: weekday__.unwrap_or_default(),
                    start_minute: start_minute__.unwrap_or_default(),
                    length_minutes: length_minutes__.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_struct("nearby.v1.WeeklyPeriod", FIELDS, GeneratedVisitor)
    }
}
