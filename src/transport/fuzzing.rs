//! What the fuzz targets see of addresses.

use super::address::Address;
use super::endpoint::TcpAddress;
use super::lookup::{self, Target};
use crate::error::Result;

/// Where to connect, if that can be told without the name service.
pub fn target_at_once(address: &TcpAddress, ipv6: bool) -> Result<Option<Target>> {
    lookup::target_at_once(address, ipv6)
}

/// An address once it has had the kernel's form.
pub fn kernel_form(address: &Address) -> Result<Address> {
    address.encode().decode()
}
