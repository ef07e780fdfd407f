import AFSRPC
package import RxCore
package import RxTransport

/// Questions to a cell's protection servers, which run where its location servers do.
package enum ProtectionServers {
  /// OpenAFS src/afs/afs.h and IANA's list.
  package static let port: UInt16 = 7002
  /// What unknown names get (OpenAFS src/ptserver/ptserver.h, ANONYMOUSID).
  private static let anonymousID: Int32 = 32_766

  /// A user's number; nil when the cell does not know him, or no server answers. The answer is for people's eyes only,
  /// so that nobody needs to vouch for it.
  package static func viceID(
    of name: String, at servers: [RxAddress], caller: any RxCaller
  ) async -> Int32? {
    let bytes = Array(name.utf8)
    guard bytes.count < PRConstants.nameMax else { return nil }
    for server in servers {
      let client = PRClient(
        caller: caller, peer: server, options: RxCallOptions(deadline: .seconds(5), deadTime: .seconds(5)))
      guard let ids = try? await client.nameToID(names: [PRName(text: bytes)]) else { continue }
      return ids.first.flatMap { $0 == anonymousID ? nil : $0 }
    }
    return nil
  }
}
