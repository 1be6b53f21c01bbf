"""Server reflection, which tools such as grpcurl use to read the contract."""

import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from stubs import manage, merchants, search

SERVICES = [search.DESCRIPTOR.services_by_name["NearbyService"], manage.DESCRIPTOR.services_by_name["MerchantService"]]


@pytest.fixture(scope="module")
def database(client):
    return ProtoReflectionDescriptorDatabase(client.channel)


def test_both_services_are_listed(database):
    assert {"nearby.v1.NearbyService", "nearby.v1.MerchantService"} <= set(database.get_services())


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_methods_equal_those_of_the_proto_files(database, service):
    reflected = DescriptorPool(database).FindServiceByName(service.full_name)
    assert _methods(reflected) == _methods(service)


def test_merchant_equals_that_of_the_proto_files(database):
    reflected = DescriptorPool(database).FindMessageTypeByName("nearby.v1.Merchant")
    expected = merchants.Merchant.DESCRIPTOR
    assert _fields(reflected) == _fields(expected)


def _methods(service) -> list:
    return [(method.name, method.input_type.full_name, method.output_type.full_name) for method in service.methods]


def _fields(message) -> list:
    return [(field.number, field.name, field.type) for field in message.fields]
