import AFSBase
import AFSTypes
import RxCore

/// What a client is doing, for people and their tools.
public struct AFSClientStatus: Sendable, Hashable {
  public struct Cell: Sendable, Hashable {
    public struct LocationServer: Sendable, Hashable {
      public var address: String
      /// nil before it was asked anything.
      public var isUp: Bool?
    }
    public var name: String
    public var locationServers: [LocationServer]
    public var volumeCount: Int
  }

  public struct Server: Sendable, Hashable {
    public struct Address: Sendable, Hashable {
      public var address: String
      public var isUp: Bool
      /// Microseconds; nil before the first answer.
      public var roundTrip: Int64?
    }
    public var uuid: String?
    public var addresses: [Address]
    public var callsInFlight: Int
    public var callCount: UInt64
  }

  public struct Volume: Sendable, Hashable {
    public var cell: String
    public var name: String
    public var id: UInt64
    public var isReadOnly: Bool
  }

  public var hostUUID: String
  public var cells: [Cell]
  public var servers: [Server]
  public var volumes: [Volume]
  public var vnodeCount: Int
  /// Vnodes with a promise that holds.
  public var callbackCount: Int
  public var callbacksToGiveUp: Int
  public var openFileCount: Int
  /// Files with data that is not stored yet.
  public var dirtyFileCount: Int
  /// Changed bytes that no server has yet.
  public var unstoredBytes: UInt64
  public var mountCount: Int
  public var directoryBytes: Int
  public var callsInFlight: Int
}

extension AFSFileSystem {
  /// Takes short locks only, one after the other: the counts need not fit together to the last.
  public var status: AFSClientStatus {
    let now = context.now
    var (callbacks, open, dirty) = (0, 0, 0)
    for vnode in context.vnodes.vnodes(where: { _ in true }) {
      if vnode.trustedStatus(now: now) != nil { callbacks += 1 }
      let (openCount, contents) = vnode.withState { ($0.openCount, $0.contents) }
      open += openCount
      if contents?.localChange != nil { dirty += 1 }
    }
    let servers = context.servers.all.map(AFSClientStatus.Server.init)
    return AFSClientStatus(
      hostUUID: context.uuid.description,
      cells: context.cells.all.map { cell in
        AFSClientStatus.Cell(
          name: cell.name.text,
          locationServers: cell.locationServers.map { .init(address: $0.description, isUp: cell.isUp($0)) },
          volumeCount: cell.volumes.count)
      },
      servers: servers.sorted { ($0.addresses.first?.address ?? "") < ($1.addresses.first?.address ?? "") },
      volumes: context.cells.all.flatMap(\.volumes).map { volume in
        AFSClientStatus.Volume(
          cell: volume.cell.name.text, name: volume.name, id: volume.id.rawValue, isReadOnly: volume.isReadOnly)
      }.sorted { ($0.cell, $0.id) < ($1.cell, $1.id) },
      vnodeCount: context.vnodes.count, callbackCount: callbacks,
      callbacksToGiveUp: context.callbackReturns.count, openFileCount: open, dirtyFileCount: dirty,
      unstoredBytes: files.unstored.bytes,
      mountCount: context.mounts.count, directoryBytes: context.directories.byteCount,
      callsInFlight: servers.map(\.callsInFlight).reduce(0, +))
  }
}

extension AFSClientStatus.Server {
  init(_ server: Fileserver) {
    let calls = server.calls
    self.init(
      uuid: server.uuid?.description,
      addresses: server.addresses.map { state in
        Address(
          address: state.address.description, isUp: !state.isDown,
          roundTrip: state.roundTrip.map { $0.wholeNanoseconds / 1000 })
      },
      callsInFlight: calls.inFlight, callCount: calls.total)
  }
}
