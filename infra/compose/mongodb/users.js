// Run once by the image, on an empty data folder, before the replica set is there.
const name = process.env.MONGODB_DATABASE;
const admin = db.getSiblingDB("admin");

admin.createUser({
  user: process.env.MONGODB_USER,
  pwd: process.env.MONGODB_PASSWORD,
  roles: [{ role: "readWrite", db: name }, { role: "dbAdmin", db: name }],
});
admin.createUser({
  user: process.env.MONGODB_READER_USER,
  pwd: process.env.MONGODB_READER_PASSWORD,
  roles: [{ role: "read", db: name }],
});
