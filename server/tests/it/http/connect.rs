//! Unary calls.

use super::*;

#[tokio::test]
async fn merchants_are_stored_found_changed_and_deleted() {
    let server = HttpServer::start(&[]).await;
    server.create("near", 60.0, 25.0).await;
    server.create("far", 60.001, 25.0).await;
    let found = server.call(SEARCH, &search_json()).await;
    assert_eq!((found.status, found.header("content-type")), (StatusCode::OK, "application/json"));
    let found = found.json();
    let name = |at: usize| found["results"][at]["merchant"]["name"].as_str().unwrap();
    assert_eq!((name(0), name(1)), ("merchants/near", "merchants/far"));
    assert_eq!(found["revision"], "2", "64-bit integers are strings");

    let service = "/nearby.v1.MerchantService";
    let get = json!({ "name": "merchants/near" });
    let stored = server.call(&format!("{service}/GetMerchant"), &get).await.json();
    let update = json!({ "merchant": { "name": "merchants/near", "phone": "1" }, "updateMask": "phone" });
    let updated = server.call(&format!("{service}/UpdateMerchant"), &update).await.json();
    assert_eq!((&updated["phone"], &updated["displayName"]), (&json!("1"), &stored["displayName"]));
    for (method, request, expected) in [
        ("BatchGetMerchants", json!({ "names": ["merchants/near", "merchants/far"] }), "/merchants/1/name"),
        ("ListMerchants", json!({ "pageSize": 5 }), "/merchants/1/name"),
        ("HideMerchant", get.clone(), "/visibility"),
        ("ShowMerchant", get.clone(), "/visibility"),
        ("RejectMerchant", json!({ "name": "merchants/near", "reason": "closed" }), "/review/reason"),
        ("ApproveMerchant", get.clone(), "/name"),
        (
            "BatchCreateMerchants",
            json!({ "requests": [{ "merchant": merchant_json("more", 60.0, 25.0) }] }),
            "/merchants/0/name",
        ),
        ("BatchUpdateMerchants", json!({ "requests": [update] }), "/merchants/0/phone"),
    ] {
        let answer = server.call(&format!("{service}/{method}"), &request).await;
        assert_eq!(answer.status, StatusCode::OK, "{method}: {}", answer.text);
        assert!(answer.json().pointer(expected).is_some(), "{method}: {}", answer.text);
    }
    for (method, request) in [
        ("DeleteMerchant", get.clone()),
        ("BatchDeleteMerchants", json!({ "requests": [{ "name": "merchants/far" }] })),
    ] {
        let answer = server.call(&format!("{service}/{method}"), &request).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "{}"), "{method}");
    }
    let batch = json!({ "requests": [search_json(), { "origin": {} }] });
    let batch = server.call("/nearby.v1.NearbyService/BatchSearchNearby", &batch).await.json();
    assert_eq!(batch["results"][0]["response"]["results"][0]["merchant"]["name"], "merchants/more");
    let status = &batch["results"][1]["status"];
    assert_eq!(status["code"], 3);
    let [info, bad] = [0, 1].map(|at| &status["details"][at]);
    let reason = (&info["@type"], &info["reason"]);
    assert_eq!(reason, (&json!("type.googleapis.com/google.rpc.ErrorInfo"), &json!("INVALID_ARGUMENT")));
    assert_eq!(bad["fieldViolations"][0]["field"], "origin.coordinate_system");
    let circle =
        json!({ "circle": { "center": position_json(60.0, 25.0), "radiusM": 1_000.0 }, "resolution": 9 });
    let density = server.call("/nearby.v1.NearbyService/GetDensity", &circle).await;
    assert_eq!(density.json()["totalSize"], 1, "{}", density.text);
}

#[tokio::test]
async fn messages_are_accepted_and_returned_in_protobuf() {
    use nearby_proto::v1 as wire;
    use prost::Message;

    let server = HttpServer::start(&[]).await;
    server.create("near", 60.0, 25.0).await;
    let request = server.request(SEARCH).header("content-type", "application/proto");
    let response = server.open(request, search(60.0, 25.0).encode_to_vec()).await;
    assert_eq!(response.headers()["content-type"], "application/proto");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let found = wire::SearchNearbyResponse::decode(body).unwrap();
    assert_eq!(ranking(&found.results)[0].1, "near");
}

#[tokio::test]
async fn large_messages_are_converted_as_small_ones_are() {
    let server = HttpServer::start(&[]).await;
    let merchant = |number: usize| {
        let mut merchant = merchant_json(&format!("m{number:04}"), 60.0, 25.0);
        merchant["displayName"] = json!("x".repeat(200));
        json!({ "merchant": merchant })
    };
    let requests: Vec<Value> = (0..500).map(merchant).collect();
    let created = server
        .call("/nearby.v1.MerchantService/BatchCreateMerchants", &json!({ "requests": requests }))
        .await;
    assert_eq!(created.json()["merchants"].as_array().unwrap().len(), 500);
    let found = server.call(SEARCH, &json!({ "origin": position_json(60.0, 25.0), "pageSize": 500 })).await;
    assert_eq!(found.json()["results"].as_array().unwrap().len(), 500);
}

#[tokio::test]
async fn a_call_returns_its_cost_and_accepts_a_timeout() {
    let server = HttpServer::start(&[]).await;
    let headers =
        [("nearby-return-cost", "true"), ("connect-timeout-ms", "60000"), ("connect-protocol-version", "1")];
    let answer = server.call_with(SEARCH, &search_json(), &headers).await;
    assert_eq!((answer.status, answer.header("trailer-nearby-cost")), (StatusCode::OK, "1"));
}

#[tokio::test]
async fn the_openapi_document_is_served() {
    let server = HttpServer::start(&[]).await;
    let get = Request::get(format!("http://{}/openapi.json", server.address));
    let answer = server.send(get, "").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(answer.json()["openapi"], "3.1.0");
}
