import ProgramEnd
import RxCore
import RxTransport

/// A host as the user names it: by name, or by an IPv4 or IPv6 address.
enum ServerName {
  /// The host's first IPv4 address, since OpenAFS knows no other; its first IPv6 address if it has no IPv4 one.
  static func address(of host: String, port: UInt16) throws(RunFailure) -> RxAddress {
    let addresses: [RxAddress]
    do throws(HostAddresses.Failure) {
      addresses = try HostAddresses.all(of: host)
    } catch {
      throw RunFailure("'\(host)': \(error.reason)")
    }
    guard var address = addresses.first(where: { $0.ipv4 != nil }) ?? addresses.first else {
      throw RunFailure("'\(host)' has no address")
    }
    address.port = port
    return address
  }
}
