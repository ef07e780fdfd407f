/// What a daemon says of its mount, for `afsfuse status`.
package struct MountStatus: Hashable, Sendable {
  package struct Cell: Hashable, Sendable {
    package var name: String
    package var servers: [Server]
    package init(name: String, servers: [Server]) {
      self.name = name
      self.servers = servers
    }
  }

  package struct Server: Hashable, Sendable {
    /// `ADDRESS:PORT`.
    package var address: String
    /// `volume location` or `file`.
    package var role: String
    /// nil when it is not known.
    package var isUp: Bool?
    package init(address: String, role: String, isUp: Bool?) {
      self.address = address
      self.role = role
      self.isUp = isUp
    }
  }

  package struct Volume: Hashable, Sendable {
    package var cell: String
    package var name: String
    package var id: UInt64
    package init(cell: String, name: String, id: UInt64) {
      self.cell = cell
      self.name = name
      self.id = id
    }
  }

  /// What the asking side finds out by comparing with the kernel's table.
  package enum State: String, Hashable, Sendable {
    case mounted
    /// Unmounted lazily; its daemon serves whoever still uses it.
    case detached
    /// Its daemon is gone.
    case abandoned
    /// Its daemon does not answer, or cannot be asked.
    case silent
    /// No daemon that knows our commands serves it.
    case otherProgram
    /// Another user's, whose daemon does not answer us.
    case foreign
  }

  package var state = State.mounted
  /// Who mounted it, where no daemon tells more.
  package var owner: UInt32?
  package var mountPoint: String
  package var processID: Int32
  package var isReadOnly: Bool
  /// Seconds since the mount was ready.
  package var uptime: Int64
  package var callbackPort: UInt16
  package var cells: [Cell] = []
  /// Fileservers, each address on its own.
  package var servers: [Server] = []
  package var volumes: [Volume] = []
  package var tokens: [TokenStatus] = []
  /// Whole numbers by name, in the order to show them: vnodes, callbacks, calls in flight, ...
  package var counts: [Count] = []

  package struct Count: Hashable, Sendable {
    package var name: String
    package var value: Int64
    package init(_ name: String, _ value: some BinaryInteger) {
      self.name = name
      self.value = Int64(clamping: value)
    }
  }

  package init(mountPoint: String, processID: Int32, isReadOnly: Bool, uptime: Int64, callbackPort: UInt16) {
    self.mountPoint = mountPoint
    self.processID = processID
    self.isReadOnly = isReadOnly
    self.uptime = uptime
    self.callbackPort = callbackPort
  }

  /// A mount of which nothing is known but that it is there.
  package init(mountPoint: String, state: State, owner: UInt32?) {
    self.init(mountPoint: mountPoint, processID: 0, isReadOnly: false, uptime: 0, callbackPort: 0)
    self.state = state
    self.owner = owner
  }
}

extension MountStatus {
  package var json: JSONValue {
    .object([
      .init("mountPoint", .string(mountPoint)),
      .init("state", .string(state.rawValue)),
      .init("pid", JSONValue(processID)),
      .init("readOnly", .bool(isReadOnly)),
      .init("uptimeSeconds", JSONValue(uptime)),
      .init("callbackPort", JSONValue(callbackPort)),
      .init("cells", .array(cells.map(\.json))),
      .init("servers", .array(servers.map(\.json))),
      .init("volumes", .array(volumes.map(\.json))),
      .init("tokens", .array(tokens.map(\.json))),
      .init("counts", .object(counts.map { .init($0.name, .integer($0.value)) })),
    ])
  }

  /// Missing members are empty: a newer command can ask an older daemon.
  package init(_ json: JSONValue) {
    self.init(
      mountPoint: json["mountPoint"]?.string ?? "", processID: Int32(clamping: json["pid"]?.integer ?? 0),
      isReadOnly: json["readOnly"]?.bool ?? false, uptime: json["uptimeSeconds"]?.integer ?? 0,
      callbackPort: UInt16(clamping: json["callbackPort"]?.integer ?? 0))
    cells = (json["cells"]?.array ?? []).map(Cell.init)
    servers = (json["servers"]?.array ?? []).map(Server.init)
    volumes = (json["volumes"]?.array ?? []).map(Volume.init)
    tokens = (json["tokens"]?.array ?? []).map(TokenStatus.init)
    if case .object(let members)? = json["counts"] {
      counts = members.map { Count($0.name, $0.value.integer ?? 0) }
    }
  }
}

extension MountStatus.Cell {
  fileprivate var json: JSONValue {
    .object([.init("name", .string(name)), .init("servers", .array(servers.map(\.json)))])
  }

  fileprivate init(_ json: JSONValue) {
    self.init(
      name: json["name"]?.string ?? "", servers: (json["servers"]?.array ?? []).map(MountStatus.Server.init))
  }
}

extension MountStatus.Server {
  fileprivate var json: JSONValue {
    .object([
      .init("address", .string(address)), .init("role", .string(role)), .init("up", isUp.map { .bool($0) } ?? .null),
    ])
  }

  fileprivate init(_ json: JSONValue) {
    self.init(
      address: json["address"]?.string ?? "", role: json["role"]?.string ?? "", isUp: json["up"]?.bool)
  }
}

extension MountStatus.Volume {
  fileprivate var json: JSONValue {
    .object([.init("cell", .string(cell)), .init("name", .string(name)), .init("id", JSONValue(id))])
  }

  fileprivate init(_ json: JSONValue) {
    self.init(
      cell: json["cell"]?.string ?? "", name: json["name"]?.string ?? "",
      id: UInt64(clamping: json["id"]?.integer ?? 0))
  }
}
