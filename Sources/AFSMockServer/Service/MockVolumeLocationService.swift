import AFSBase
import AFSRPC
import AFSTypes
import RxCore
import RxTransport
import Synchronization

extension MockCell {
  func volumeLocationService() -> any RxService { VLDispatcher(MockVolumeLocationService(cell: self)) }
}

/// The cell's volume location service.
struct MockVolumeLocationService: VLService {
  let cell: MockCell

  /// One line of an entry: a server with the flags which say what copies it has.
  private struct Site {
    var server: Int
    var uuid: AFSUUID
    var address: UInt32
    var flags: UInt32
  }

  private func begin(_ operation: String) async throws(AbortCode) {
    try await cell.begin(operation, server: nil, volume: nil)
  }

  private func entry(_ name: [UInt8]) throws(AbortCode) -> (MockCellState.Location, [Site]) {
    let text = String(decoding: name, as: UTF8.self)
    let found = cell.state.withLock { state in state.location(named: text).map { ($0, sites(of: $0, state)) } }
    guard let found else { throw .vlNoEntry }
    return found
  }

  private func sites(of location: MockCellState.Location, _ state: borrowing MockCellState) -> [Site] {
    var flags: [Int: UInt32] = [location.readWriteServer: UInt32(VLConstants.serverReadWrite)]
    for server in location.readOnlyServers {
      flags[server, default: 0] |= UInt32(VLConstants.serverReadOnly)
    }
    var result: [Site] = []
    for (server, bits) in flags.sorted(by: { $0.key < $1.key }) {
      // A server with both copies has a line for each.
      for bit in [UInt32(VLConstants.serverReadWrite), UInt32(VLConstants.serverReadOnly)] where bits & bit != 0 {
        let record = state.servers[server]
        result.append(
          Site(server: server, uuid: record.uuid, address: record.addresses.first?.ipv4 ?? 0, flags: bit))
      }
    }
    return result
  }

  private func flags(_ location: MockCellState.Location) -> UInt32 {
    var flags = UInt32(VLConstants.entryReadWriteExists)
    if location.readOnly != nil { flags |= UInt32(VLConstants.entryReadOnlyExists) }
    if location.backup != nil { flags |= UInt32(VLConstants.entryBackupExists) }
    return flags
  }

  private func ids(_ location: MockCellState.Location) -> [UInt32] {
    [location.readWrite, location.readOnly ?? VolumeID(0), location.backup ?? VolumeID(0)].map { UInt32($0.rawValue) }
  }

  private func padded<Element>(_ list: [Element], to count: Int, with filler: Element) -> [Element] {
    list + Array(repeating: filler, count: max(0, count - list.count))
  }

  func getEntryByNameU(
    _ arguments: VL.GetEntryByNameU.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> UVLDBEntry {
    try await begin("GetEntryByNameU")
    let (location, sites) = try entry(arguments.name)
    let count = VLConstants.serversMax
    return UVLDBEntry(
      name: Array(location.name.utf8), serverCount: Int32(sites.count),
      serverNumber: padded(sites.map(\.uuid), to: count, with: AFSUUID(high: 0, low: 0)),
      serverUnique: padded(sites.map { _ in 1 }, to: count, with: 0),
      serverPartition: padded(sites.map { _ in 0 }, to: count, with: 0),
      serverFlags: padded(sites.map { $0.flags | UInt32(VLConstants.serverUUID) }, to: count, with: 0),
      volumeID: ids(location), flags: flags(location), spares: Array(repeating: 0, count: 8))
  }

  func getEntryByNameN(
    _ arguments: VL.GetEntryByNameN.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> NVLDBEntry {
    try await begin("GetEntryByNameN")
    return numbered(try entry(arguments.name))
  }

  func getEntryByIDN(
    _ arguments: VL.GetEntryByIDN.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> NVLDBEntry {
    try await begin("GetEntryByIDN")
    return numbered(try entry(Array(String(arguments.volume).utf8)))
  }

  private func numbered(_ found: (MockCellState.Location, [Site])) -> NVLDBEntry {
    let (location, sites) = found
    let count = VLConstants.serversMax
    return NVLDBEntry(
      name: Array(location.name.utf8), serverCount: Int32(sites.count),
      serverNumber: padded(sites.map(\.address), to: count, with: 0),
      serverPartition: padded(sites.map { _ in 0 }, to: count, with: 0),
      serverFlags: padded(sites.map(\.flags), to: count, with: 0), volumeID: ids(location), flags: flags(location),
      spares: Array(repeating: 0, count: 8))
  }

  func getEntryByNameO(
    _ arguments: VL.GetEntryByNameO.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> VLDBEntry {
    try await begin("GetEntryByNameO")
    return old(try entry(arguments.name))
  }

  func getEntryByID(
    _ arguments: VL.GetEntryByID.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> VLDBEntry {
    try await begin("GetEntryByID")
    return old(try entry(Array(String(arguments.volume).utf8)))
  }

  private func old(_ found: (MockCellState.Location, [Site])) -> VLDBEntry {
    let (location, sites) = found
    let count = VLConstants.oldServersMax
    let kept = sites.prefix(count)
    return VLDBEntry(
      name: Array(location.name.utf8), serverCount: Int32(kept.count),
      serverNumber: padded(kept.map(\.address), to: count, with: 0),
      serverPartition: padded(kept.map { _ in 0 }, to: count, with: 0),
      serverFlags: padded(kept.map(\.flags), to: count, with: 0), volumeID: ids(location), flags: flags(location))
  }

  func getAddrsU(
    _ arguments: VL.GetAddrsU.Arguments, from call: RxIncomingCall
  ) async throws(AbortCode) -> VL.GetAddrsU.Results {
    try await begin("GetAddrsU")
    guard arguments.attributes.mask == UInt32(VLConstants.byUUID) else { throw .vlBadMask }
    let server = cell.state.withLock { state in state.servers.first { $0.uuid == arguments.attributes.uuid } }
    guard let server else { throw .vlNoEntry }
    let addresses = server.addresses.compactMap(\.ipv4)
    return .init(uuid: server.uuid, unique: 1, count: Int32(addresses.count), addresses: addresses)
  }

  func probeServer(from call: RxIncomingCall) async throws(AbortCode) {
    try await begin("ProbeServer")
  }
}
