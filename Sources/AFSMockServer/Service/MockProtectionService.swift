import AFSRPC
import AFSTypes
import RxCore
import RxTransport
import Synchronization

extension MockCell {
  func protectionService() -> any RxService { PRDispatcher(MockProtectionService(cell: self)) }
}

/// The cell's protection service: names and ids of users and groups.
struct MockProtectionService: PRService {
  /// What an unknown name has for an id (OpenAFS src/ptserver/ptserver.h, ANONYMOUSID).
  static let anonymous: Int32 = 32766

  let cell: MockCell

  func nameToID(
    _ arguments: PR.NameToID.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> [Int32] {
    try await cell.begin("NameToID", server: nil, volume: nil)
    let users = cell.state.withLock { $0.users }
    return arguments.names.map { users[String(decoding: $0.text, as: UTF8.self)] ?? Self.anonymous }
  }

  func idToName(
    _ arguments: PR.IDToName.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> [PRName] {
    try await cell.begin("IDToName", server: nil, volume: nil)
    let users = cell.state.withLock { $0.users }
    return arguments.ids.map { id in
      let name = users.first { $0.value == id }?.key ?? String(id)
      return PRName(text: Array(name.utf8))
    }
  }

  func getCPS(_ arguments: PR.GetCPS.Arguments, from call: RxIncomingCall) async throws(AbortCode) -> PR.GetCPS.Results
  {
    try await cell.begin("GetCPS", server: nil, volume: nil)
    var ids = [arguments.id, AccessList.anyUser]
    if arguments.id != Self.anonymous { ids.append(AccessList.authenticatedUser) }
    ids += cell.state.withLock { $0.groups[arguments.id] ?? [] }.sorted()
    return .init(ids: ids, over: 0)
  }
}
