// Is the file a valid OpenAPI document?  Says its version; exit status 1 and why when not.
import { Validator } from "@seriousme/openapi-schema-validator";

const validator = new Validator();
const result = await validator.validate(process.argv[2]);
if (!result.valid) {
    console.error(JSON.stringify(result.errors, null, 1));
    process.exit(1);
}
console.log(validator.version);
