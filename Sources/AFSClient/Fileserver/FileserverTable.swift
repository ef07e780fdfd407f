package import AFSBase
package import RxCore
import Synchronization

/// All fileservers met, in all cells. Its size is bounded by the servers that the VL servers name.
package final class FileserverTable: Sendable {
  private let servers = Mutex<[FileserverID: Fileserver]>([:])

  package init() {}

  package var all: [Fileserver] { servers.withLock { Array($0.values) } }

  package func server(_ id: FileserverID) -> Fileserver? {
    servers.withLock { $0[id] }
  }

  /// The servers with that UUID, of whichever cells.
  package func servers(with uuid: AFSUUID) -> [Fileserver] {
    all.filter { $0.uuid == uuid }
  }

  /// The server, made or brought up to date.
  package func server(_ id: FileserverID, addresses: [RxAddress], listVersion: UInt32?) -> Fileserver {
    let (server, isNew) = servers.withLock { servers -> (Fileserver, Bool) in
      if let server = servers[id] { return (server, false) }
      let server = Fileserver(id: id, addresses: addresses, listVersion: listVersion)
      servers[id] = server
      return (server, true)
    }
    if !isNew, !addresses.isEmpty { server.setAddresses(addresses, listVersion: listVersion) }
    return server
  }

  /// The servers that a call from `address` can come from, whatever its port.
  package func servers(at address: RxAddress) -> [Fileserver] {
    all.filter { $0.has(address: address) }
  }
}
