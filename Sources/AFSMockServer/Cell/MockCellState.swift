import AFSBase
import AFSRPC
import AFSTypes
import RxCore

/// All that a mock cell knows, under one lock.
struct MockCellState: Sendable {
  /// One fileserver of the cell.
  struct Server: Sendable {
    var uuid: AFSUUID
    /// Where clients reach its file service.
    var addresses: [RxAddress]
    var volumes: [VolumeID: StoredVolume] = [:]
    var callbacks = CallbackRegistry()
    /// Hosts which have been greeted (asked who they are, and told that the server knows nothing).
    var isDown = false
    /// What every call for the volume gets instead of an answer: VBUSY, VOFFLINE, VMOVED and so on.
    var volumeTrouble: [VolumeID: AbortCode] = [:]
  }

  /// What the volume location database says of one volume and its copies.
  struct Location: Sendable {
    var name: String
    var readWrite: VolumeID
    var readOnly: VolumeID?
    var backup: VolumeID?
    var readWriteServer: Int
    var readOnlyServers: [Int] = []
  }

  let name: CellName
  var servers: [Server] = []
  var locations: [Location] = []
  var faults = FaultPlan()
  /// Names and ids of users and groups.
  var users: [String: Int32] = [
    "system:administrators": AccessList.administrators, "system:anyuser": AccessList.anyUser,
    "system:authuser": AccessList.authenticatedUser, "anonymous": 32766,
  ]
  /// Groups of a user, by ids.
  var groups: [Int32: Set<Int32>] = [:]
  /// What tickets for the cell's servers are encrypted with, and what these servers have in their key files.
  var tickets: MockTicketKeys
  var authenticationFaults: [AuthenticationFault.Rule] = []
  /// Authenticated calls served, by who called.
  var callers: [RxPrincipal: Int] = [:]
  /// How far the servers' clocks are off.
  var clockOffset: Duration = .zero
  /// Bytes of file data that were sent.
  var bytesFetched: UInt64 = 0
  /// Calls served, by operation.
  var calls: [String: Int] = [:]
  var nextVolume = VolumeID(536_870_912)
  var generator: SeededGenerator
  /// Releases so far: each copy has a date of its own.
  var releases: UInt32 = 1
  /// How long promises last.
  var callbackLifetime: Duration = .seconds(7200)

  init(name: CellName, seed: UInt64) {
    self.name = name
    generator = SeededGenerator(seed: seed)
    tickets = MockTicketKeys(using: &generator)
  }

  /// The Kerberos realm of the cell's own users.
  var realm: String { name.text.uppercased() }

  /// A principal's name as the protection service has it: `alice`, `alice.admin`, of other realms `bob@other.realm`
  /// (OpenAFS src/viced/host.c, MapName_r).
  func protectionName(of principal: RxPrincipal) -> String {
    let local = principal.instance.isEmpty ? principal.name : "\(principal.name).\(principal.instance)"
    if principal.cell.isEmpty || principal.cell == realm { return local }
    return "\(local)@\(principal.cell.lowercased())"
  }

  /// Who a caller is: his own id, and all ids which he has rights by. Whom the protection service does not know is
  /// anonymous (OpenAFS src/viced/host.c, h_FindClient_r).
  func identity(of call: RxIncomingCall) -> (user: Int32, ids: Set<Int32>) {
    guard let principal = call.authentication?.principal, let id = users[protectionName(of: principal)] else {
      return (MockProtectionService.anonymous, [MockProtectionService.anonymous, AccessList.anyUser])
    }
    return (id, (groups[id] ?? []).union([id, AccessList.anyUser, AccessList.authenticatedUser]))
  }

  mutating func takeVolumeID() -> VolumeID {
    defer { nextVolume.rawValue += 1 }
    return nextVolume
  }

  func location(named text: String) -> Location? {
    if let number = UInt64(text) { return location(of: VolumeID(number)) }
    var base = text
    for suffix in [".readonly", ".backup"] where base.hasSuffix(suffix) { base.removeLast(suffix.utf8.count) }
    return locations.first { $0.name == base }
  }

  func location(of id: VolumeID) -> Location? {
    locations.first { $0.readWrite == id || $0.readOnly == id || $0.backup == id }
  }

  /// What replies say of the state of a volume.
  func sync(of id: VolumeID, at server: Int) -> AFSVolSync {
    AFSVolSync(spare1: servers[server].volumes[id]?.creationDate ?? 0)
  }

  /// The volume at a server, or why a call for it is refused there.
  func volume(_ id: VolumeID, at server: Int) throws(AbortCode) -> StoredVolume {
    if let trouble = servers[server].volumeTrouble[id] { throw trouble }
    guard let volume = servers[server].volumes[id] else {
      throw location(of: id) == nil ? .vNoVol : .vMoved
    }
    return volume
  }
}
