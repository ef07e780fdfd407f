import ArgumentParser
import RxCore
import RxTransport

/// The server as the user names it: a host name or an address.
enum ServerName {
  /// The first IPv4 address.
  static func address(of host: String) throws -> UInt32 {
    do throws(HostAddresses.Failure) {
      if let address = try HostAddresses.ipv4(of: host).first { return address }
    } catch {
      throw ValidationError("'\(host)': \(error.reason)")
    }
    throw ValidationError("'\(host)' has no IPv4 address")
  }
}
